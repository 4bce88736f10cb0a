import { tokenBucket } from '@steadfetch/token-bucket';
import { eachSecond } from '../naive.ts';
import { answered, type Fetch, none, type Play, type Stage, sent, took } from '../play.ts';
import { limit, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'token-bucket',
  question:
    'A rate that is known from the documentation, and no header that speaks of it. The bucket spreads the calls evenly.',
  sliders: {
    rate: { label: 'The server allows', unit: 'a second', min: 1, max: 20, step: 1, value: 5 },
    burst: { label: 'Burst', unit: 'at once', min: 1, max: 20, step: 1, value: 5 },
    calls: { label: 'Work', unit: 'calls', min: 10, max: 100, step: 10, value: 40 },
    ownRate: { label: 'Your bucket', unit: '% of the rate', min: 50, max: 150, step: 10, value: 100 },
  },
  world: ({ rate = 1, burst = 1 }, seed) =>
    worldOf({ seed, limits: [limit('token-bucket', { ratePerSecond: rate, burst }, { announced: false })] }),
  track: {
    label: 'tokens in the server’s bucket',
    of: ({ provider, values }) => Math.floor(provider.levels()[0]?.remaining ?? values.burst!),
    most: ({ burst = 1 }) => burst,
  },
  naive: (stage) => work(eachSecond(stage.fetch), stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [none(answered(run, 'limited'), 'answers 429'), sent(run), took(run)],
};

function steady({ fetch, values }: Stage): Fetch {
  const ratePerSecond = (values.rate! * values.ownRate!) / 100;
  return tokenBucket({ ratePerSecond, burst: values.burst! })(fetch);
}

function work(fetch: Fetch, { values, calls }: Stage): Promise<void> {
  return calls(values.calls!, 0, (init) => fetch('https://api.test/items?limit=1', init));
}
