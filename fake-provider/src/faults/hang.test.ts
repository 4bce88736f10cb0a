import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it('answers nothing until the caller gives up, with the reason of the caller', async () => {
  const caller = new AbortController();
  const reason = new Error('enough');
  const answer = open().get({ signal: caller.signal });

  await expect(Promise.race([answer, turns(5)])).resolves.toBe('still waiting');
  caller.abort(reason);
  await expect(answer).rejects.toBe(reason);
});

it('ends at once where the caller gave up before', async () => {
  const { get, provider } = open();

  await expect(get({ signal: AbortSignal.abort('too late') })).rejects.toBe('too late');
  expect(provider.ledger.entries).toEqual([]);
});

it.each<[string, (signal: AbortSignal) => Parameters<typeof fetch>]>([
  ['a signal', (signal) => ['https://api.test/items', { signal }]],
  ['a Request', (signal) => [new Request('https://api.test/items', { signal })]],
])('still hears the caller after the garbage was collected, by %s', async (_what, call) => {
  const caller = new AbortController();
  const answer = open().provider.fetch(...call(caller.signal));
  for (let round = 0; round < 3; round += 1) {
    await turns(5);
    collectGarbage();
  }
  caller.abort('enough');

  await expect(answer).rejects.toBe('enough');
});

it('does not carry the request out', async () => {
  const { get, provider } = open();
  void get({ signal: new AbortController().signal });
  await turns(5);

  expect(provider.resource('items').collection.revision).toBe(0);
  expect(provider.ledger.entries).toMatchObject([{ status: 0, simulated: 'hang' }]);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function open() {
  const items = { churn: { insertsPerRequest: 1 } };
  const provider = createProvider({ auth: false, resources: { items }, faults: [{ fault: 'hang' }] });
  return { provider, get: (init: RequestInit) => provider.fetch('https://api.test/items', init) };
}

/** Lets everything happen that has not to wait for anybody. */
async function turns(count: number): Promise<'still waiting'> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return 'still waiting';
}
