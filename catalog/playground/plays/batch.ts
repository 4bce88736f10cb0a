import { batch } from '@steadfetch/batch';
import type { Config } from '../../../fake-provider/src/config.ts';
import { eachSecond } from '../naive.ts';
import { answered, none, type Play, type Stage, sent, took } from '../play.ts';
import { inRow } from '../rows.ts';
import { limit, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'batch',
  question:
    'Records to write, and a limit on requests. One by one they run into it; in batches there is hardly a request to count.',
  sliders: {
    records: { label: 'Work', unit: 'records', min: 50, max: 400, step: 50, value: 150 },
    maxItems: { label: 'A batch holds', unit: 'records', min: 10, max: 100, step: 10, value: 50 },
    limit: { label: 'Limit', unit: 'requests in 10 s', min: 10, max: 100, step: 10, value: 50 },
    ratio: { label: 'Items that fail for now', unit: '%', min: 0, max: 30, step: 5, value: 10 },
  },
  world: ({ limit: most = 1, ratio = 0 }, seed) =>
    worldOf({
      seed,
      items: { records: 0, batch: { ...BATCH, failures: { ratio: ratio / 100, status: 503 } } },
      limits: [limit('fixed-window', { limit: most, windowSeconds: 10, begins: 'clock' })],
    }),
  track: {
    label: 'requests left',
    of: ({ provider, values }) => provider.levels()[0]?.remaining ?? values.limit!,
    most: ({ limit: most = 1 }) => most,
  },
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  figures: (run) => [none(answered(run, 'limited'), 'answers 429'), sent(run), took(run)],
};

/** As the provider has it by itself. */
const BATCH = {
  maxItems: 100,
  tooManyStatus: 413 as const,
  status: 207 as const,
  atomic: false,
  poison: { ratio: 0, names: [], status: 400 },
} satisfies Partial<Config['resources'][string]['batch']>;

/** Four workers write a record each. */
async function naive({ fetch, values, call, signal }: Stage): Promise<void> {
  const patient = eachSecond(fetch);
  let left = values.records!;
  const worker = async (): Promise<void> => {
    while (left-- > 0 && !signal.aborted) {
      const body = JSON.stringify({ name: `record-${left}` });
      await call(({ headers }) =>
        patient('https://api.test/items', {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body,
          signal,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function steady({ fetch, values, call, random, note }: Stage): Promise<void> {
  const records = Array.from({ length: values.records! }, (_, index) => ({ name: `record-${index}` }));
  await call(async ({ headers }) => {
    const outcomes = batch('https://api.test/items/batch', records, {
      fetch: inRow(fetch, headers),
      maxItems: values.maxItems!,
      random,
      run: 'playground',
    });
    for await (const { index, status } of outcomes) if (status !== 'done') note(status, `record ${index}`);
  });
}
