import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { eachSecond } from '../naive.ts';
import { answered, type Fetch, none, type Play, type Stage, sent, took } from '../play.ts';
import { limit, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'concurrency-limit',
  question:
    'The provider serves a few requests at a time. `Promise.all` sends them all at once; the limit keeps the rest in line.',
  sliders: {
    limit: { label: 'The server allows', unit: 'at once', min: 1, max: 16, step: 1, value: 4 },
    max: { label: 'Your limit', unit: 'at once', min: 1, max: 16, step: 1, value: 4 },
    calls: { label: 'Work', unit: 'calls', min: 10, max: 100, step: 10, value: 40 },
    latency: { label: 'A request takes', unit: 'ms', min: 100, max: 1_000, step: 100, value: 400 },
  },
  world: ({ limit: most = 1, latency = 1 }, seed) =>
    worldOf({
      seed,
      limits: [limit('concurrency', { limit: most })],
      latency: { minMs: latency, maxMs: latency },
    }),
  track: {
    label: 'places taken at the server',
    of: ({ provider, values }) => values.limit! - (provider.levels()[0]?.remaining ?? values.limit!),
    most: ({ limit: most = 1 }) => most,
  },
  naive: (stage) => work(eachSecond(stage.fetch), stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [none(answered(run, 'limited'), 'answers 429'), sent(run), took(run)],
};

function steady({ fetch, values }: Stage): Fetch {
  return concurrencyLimit({ max: values.max! })(fetch);
}

function work(fetch: Fetch, { values, calls }: Stage): Promise<void> {
  return calls(values.calls!, 0, (init) => fetch('https://api.test/items?limit=1', init));
}
