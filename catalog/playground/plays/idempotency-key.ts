import { backoff } from '@steadfetch/backoff';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { atOnce } from '../naive.ts';
import { ended, type Fetch, fated, none, type Play, type Stage, sent } from '../play.ts';
import { fault, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'idempotency-key',
  question: 'Each order is carried out, but now and then its answer is lost. Who simply sends it again orders twice.',
  sliders: {
    ratio: { label: 'Answers lost', unit: '% of requests', min: 0, max: 40, step: 5, value: 15 },
    calls: { label: 'Work', unit: 'orders', min: 10, max: 80, step: 10, value: 40 },
    everyMs: { label: 'An order each', unit: 'ms', min: 100, max: 500, step: 100, value: 200 },
  },
  world: ({ ratio = 0 }, seed) =>
    worldOf({
      seed,
      items: { records: 0 },
      faults: [fault('internal-error', { when: 'after' }, { route: 'POST /items', ratio: ratio / 100 })],
    }),
  naive: (stage) => work(atOnce(stage.fetch, 4), stage),
  steady: (stage) => work(steady(stage), stage),
  records: ({ provider, values }) => {
    const { collection, recall } = provider.resource('items');
    const made = collection.slice(0, collection.size).map((key) => recall(key).name);
    return Array.from({ length: values.calls! }, (_, index) => {
      const times = made.filter((name) => name === `order-${index + 1}`).length;
      return times === 0 ? 'lost' : times === 1 ? 'once' : 'twice';
    });
  },
  figures: (run) => [
    none(fated(run, 'twice'), 'orders carried out twice'),
    { value: `${ended(run, 'done')}`, label: 'orders confirmed', tone: 'plain' },
    sent(run),
  ],
};

function steady({ fetch, random }: Stage): Fetch {
  return idempotencyKey()(backoff({ random })(fetch));
}

function work(fetch: Fetch, { values, calls }: Stage): Promise<void> {
  return calls(values.calls!, values.everyMs!, ({ headers, signal }, index) =>
    fetch('https://api.test/items', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `order-${index + 1}` }),
      signal,
    }),
  );
}
