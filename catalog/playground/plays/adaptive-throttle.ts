import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { eachSecond } from '../naive.ts';
import { answered, type Fetch, none, type Play, type Stage, sent, took } from '../play.ts';
import { limit, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'adaptive-throttle',
  question: 'The provider says in its headers what is left of the quota. Who reads them is never refused.',
  sliders: {
    limit: { label: 'Limit', unit: 'requests', min: 10, max: 100, step: 5, value: 30 },
    windowSeconds: { label: 'Window', unit: 's', min: 5, max: 30, step: 5, value: 10 },
    calls: { label: 'Work', unit: 'calls', min: 20, max: 200, step: 10, value: 100 },
    others: { label: 'Other clients', unit: '% of the limit', min: 0, max: 50, step: 10, value: 0 },
  },
  world: ({ limit: count = 1, windowSeconds = 1, others = 0 }, seed) =>
    worldOf({
      seed,
      limits: [
        limit(
          'fixed-window',
          { limit: count, windowSeconds, begins: 'clock' },
          { per: 'everyone', ...(others > 0 ? { othersPerSecond: ((others / 100) * count) / windowSeconds } : {}) },
        ),
      ],
    }),
  track: {
    label: 'quota left',
    of: ({ provider, values }) => provider.levels()[0]?.remaining ?? values.limit!,
    most: ({ limit: count = 1 }) => count,
  },
  naive: (stage) => work(eachSecond(stage.fetch), stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [none(answered(run, 'limited'), 'answers 429'), sent(run), took(run)],
};

function steady({ fetch, random, note }: Stage): Fetch {
  return adaptiveThrottle({
    random,
    onEvent: (event) => void (event.type === 'paused' && note('paused', `nobody is sent after a ${event.status}`)),
  })(fetch);
}

/** Four workers share the calls. */
async function work(fetch: Fetch, { values, call, signal }: Stage): Promise<void> {
  let left = values.calls!;
  const worker = async (): Promise<void> => {
    while (left-- > 0 && !signal.aborted) await call((init) => fetch('https://api.test/items?limit=1', init));
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}
