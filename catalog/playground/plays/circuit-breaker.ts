import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { answered, type Fetch, type Play, type Run, type Stage } from '../play.ts';
import { fault, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'circuit-breaker',
  question:
    'The service is down, and slow to say so. The breaker stops asking, fails fast, and finds out when it is back.',
  sliders: {
    outage: { label: 'Outage', unit: 's', min: 5, max: 60, step: 5, value: 25 },
    slow: { label: 'A failure takes', unit: 's', min: 0.5, max: 5, step: 0.5, value: 2 },
    every: { label: 'A call each', unit: 'ms', min: 200, max: 1_000, step: 100, value: 500 },
    openSeconds: { label: 'Open for', unit: 's', min: 1, max: 15, step: 1, value: 3 },
  },
  world: (_values, seed) => worldOf({ seed, latency: { minMs: 50, maxMs: 150 } }),
  weather({ provider, values }) {
    const forMs = values.outage! * 1_000;
    const slowMs = values.slow! * 1_000;
    setTimeout(() => {
      provider.change({ latency: { minMs: slowMs, maxMs: slowMs } });
      provider.addFault(fault('unavailable', {}), forMs);
    }, OUTAGE_AT_MS);
    setTimeout(() => provider.change({ latency: { minMs: 50, maxMs: 150 } }), OUTAGE_AT_MS + forMs);
  },
  naive: (stage) => work(stage.fetch, stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [
    {
      value: `${answered(run, 'failed')}`,
      label: 'requests sent to a service that is down',
      tone: answered(run, 'failed') > 20 ? 'bad' : 'good',
    },
    { value: `${Math.round(waitedForNothing(run) / 1_000)} s`, label: 'waited for failures', tone: 'plain' },
    { value: `${answered(run, 'ok')}`, label: 'calls answered', tone: 'plain' },
  ],
};

const OUTAGE_AT_MS = 8_000;
const AFTER_MS = 15_000;

function steady({ fetch, note, values }: Stage): Fetch {
  return circuitBreaker({
    openMs: values.openSeconds! * 1_000,
    maxOpenMs: values.openSeconds! * 1_000,
    minimumCalls: 5,
    windowMs: 10_000,
    onEvent: (event) => note(event.type, event.type === 'open' ? `for ${event.openMs / 1_000} s` : 'the circuit'),
  })(fetch);
}

function work(fetch: Fetch, { values, calls }: Stage): Promise<void> {
  const lastsMs = OUTAGE_AT_MS + values.outage! * 1_000 + AFTER_MS;
  const every = values.every!;
  return calls(Math.ceil(lastsMs / every), every, (init) => fetch('https://api.test/items?limit=1', init));
}

function waitedForNothing({ calls }: Run): number {
  return calls.reduce((sum, { outcome, atMs, endMs = atMs }) => (outcome === 'done' ? sum : sum + endMs - atMs), 0);
}
