import { z } from 'zod';
import { json, type Reply } from '../call.ts';
import { LAST_YEAR } from '../clock.ts';
import { invalidParameter } from '../problem.ts';
import { type AdminRoute, bodyOf, moment, nothing, type Steered } from './route.ts';

const advance = z.strictObject({ seconds: z.number().min(0).max(315_360_000) });

function told({ clock, config }: Steered): Reply {
  return json(200, { mode: config.clock, isFrozen: clock.isFrozen, now: moment(clock.now()) });
}

export const clockRoutes: readonly AdminRoute[] = [
  { name: 'GET /__admin/clock', summary: "the provider's time", answer: told },
  {
    name: 'POST /__admin/clock/freeze',
    summary: 'stops the clock',
    answer(provider, call) {
      bodyOf(nothing, call);
      provider.clock.freeze();
      return told(provider);
    },
  },
  {
    name: 'POST /__admin/clock/advance',
    summary: 'moves the clock forward by so many seconds: {"seconds": 60}',
    answer(provider, call) {
      const { seconds } = bodyOf(advance, call);
      try {
        provider.clock.advance(seconds * 1_000);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw invalidParameter('seconds', `must not lead past the year ${LAST_YEAR}`);
      }
      return told(provider);
    },
  },
  {
    name: 'POST /__admin/clock/reset',
    summary: 'undoes what was moved and stopped',
    answer(provider, call) {
      bodyOf(nothing, call);
      provider.clock.reset();
      return told(provider);
    },
  },
];
