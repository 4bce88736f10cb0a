import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'safe-replays';
const FAULTS: ConfigInput['faults'] = [{ fault: 'unavailable', on: { calls: [1] } }];

it('passes a replay under the same key with the same bytes', async () => {
  const { post, judgement } = open({ faults: FAULTS });
  await post('{"a":1}', 'k1');
  await post('{"a":1}', 'k1');

  expect(judgement().passed).toBe(true);
});

it('passes a replay of what was refused, and of what is idempotent by its method', async () => {
  const { get, post, judgement } = open({ faults: [{ fault: 'rate-limited', on: { calls: [1] } }] });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await get('/items');
    await post('{}');
  }

  expect(judgement().passed).toBe(true);
});

it('passes a listing by POST that is asked for again', async () => {
  const { get, provider, judgement } = open({ profile: 'slack', faults: FAULTS });
  for (let attempt = 0; attempt < 2; attempt += 1) await get('/api/users.list', { method: 'POST' });

  expect(provider.ledger.entries.map(({ status }) => status)).toEqual([503, 200]);
  expect(judgement().passed).toBe(true);
});

it.each<[string, [body: string, key?: string], [body: string, key?: string], string]>([
  ['without a key', ['{"a":1}'], ['{"a":1}'], 'a replay without a key'],
  ['under another key', ['{"a":1}', 'k1'], ['{"a":1}', 'k2'], 'another key'],
  ['with a key that the first had not', ['{"a":1}'], ['{"a":1}', 'k1'], 'a key that the first try had not'],
  ['with other bytes', ['{"a":1}', 'k1'], ['{"a":2}', 'k1'], 'other bytes'],
])('catches a replay %s', async (_how, first, second, actual) => {
  const { post, provider, judgement } = open({ faults: FAULTS });
  await post(...first);
  await post(...second);

  expect(judgement().findings).toMatchObject([{ sequences: [1, 2], actual }]);
  expect(JSON.stringify([provider.ledger.entries, judgement()])).not.toMatch(/"a\\?"|k1|k2/);
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  const post = (body: string, key?: string) =>
    get('/items', { method: 'POST', body, headers: key === undefined ? {} : { 'idempotency-key': key } });
  return { post, provider, clock, get, judgement };
}
