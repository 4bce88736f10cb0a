import { timeout } from '@steadfetch/timeout';
import { ended, type Fetch, type Play, type Run, type Stage, took } from '../play.ts';
import { fault, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'timeout',
  question: 'Now and then the server takes the request and never answers. Who waits for it, waits for ever.',
  sliders: {
    ratio: { label: 'Never answered', unit: '% of requests', min: 0, max: 50, step: 5, value: 20 },
    afterSeconds: { label: 'Timeout', unit: 's', min: 1, max: 15, step: 1, value: 3 },
    calls: { label: 'Work', unit: 'calls', min: 10, max: 60, step: 5, value: 30 },
  },
  world: ({ ratio = 0 }, seed) =>
    worldOf({ seed, faults: [fault('hang', {}, { ratio: ratio / 100 })], latency: { minMs: 200, maxMs: 900 } }),
  longestMs: 30_000,
  naive: (stage) => work(stage.fetch, stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [
    { value: `${stuck(run)}`, label: 'workers stuck', tone: stuck(run) === 0 ? 'good' : 'bad' },
    { value: `${ended(run, 'done')}`, label: 'calls answered', tone: 'plain' },
    took(run),
  ],
};

function steady({ fetch, values }: Stage): Fetch {
  return timeout({ afterMs: values.afterSeconds! * 1_000 })(fetch);
}

/** Three workers share the calls. */
async function work(fetch: Fetch, { values, call, signal }: Stage): Promise<void> {
  let left = values.calls!;
  const worker = async (): Promise<void> => {
    while (left-- > 0 && !signal.aborted) await call((init) => fetch('https://api.test/items?limit=1', init));
  };
  await Promise.all(Array.from({ length: 3 }, worker));
}

function stuck(run: Run): number {
  return ended(run, 'unfinished');
}
