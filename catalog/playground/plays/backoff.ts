import { backoff } from '@steadfetch/backoff';
import { atOnce } from '../naive.ts';
import { ended, type Fetch, none, type Play, type Run, type Stage, sent } from '../play.ts';
import { fault, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'backoff',
  question:
    'The server is down for a moment. Who asks again at once has no attempt left when it is back, and fails all the same.',
  sliders: {
    outage: { label: 'Outage', unit: 's', min: 0, max: 10, step: 0.5, value: 0.5 },
    ratio: { label: 'Stumbles', unit: '% of requests', min: 0, max: 50, step: 5, value: 0 },
    calls: { label: 'Work', unit: 'calls', min: 10, max: 100, step: 10, value: 60 },
    attempts: { label: 'Attempts', min: 1, max: 8, step: 1, value: 4 },
  },
  world: ({ ratio = 0 }, seed) =>
    worldOf({ seed, faults: [fault('unavailable', {}, { ratio: ratio / 100 })], latency: { minMs: 20, maxMs: 60 } }),
  weather({ provider, values }) {
    const forMs = values.outage! * 1_000;
    if (forMs > 0) setTimeout(() => provider.addFault(fault('unavailable', {}), forMs), OUTAGE_AT_MS);
  },
  naive: (stage) => work(atOnce(stage.fetch, stage.values.attempts!), stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [
    none(ended(run, 'failed'), 'calls failed'),
    { value: `${busiest(run)}`, label: 'requests in the busiest half second', tone: 'plain' },
    sent(run),
  ],
};

const OUTAGE_AT_MS = 1_000;

function steady({ fetch, random, note, values }: Stage): Fetch {
  return backoff({
    attempts: values.attempts!,
    random,
    onEvent: (event) =>
      note(event.type, event.type === 'retry' ? `in ${Math.round(event.waitMs)} ms` : `because of ${event.reason}`),
  })(fetch);
}

function work(fetch: Fetch, { values, calls }: Stage): Promise<void> {
  return calls(values.calls!, 100, (init) => fetch('https://api.test/items?limit=1', init));
}

function busiest({ sends }: Run): number {
  const perHalfSecond = new Map<number, number>();
  for (const { atMs } of sends) {
    const slot = Math.floor(atMs / 500);
    perHalfSecond.set(slot, (perHalfSecond.get(slot) ?? 0) + 1);
  }
  return Math.max(0, ...perHalfSecond.values());
}
