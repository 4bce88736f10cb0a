import { backoff } from '@steadfetch/backoff';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { describe, expect } from 'vitest';
import { WORLDS, type World } from './world.ts';

const retry = { baseMs: 1, capMs: 5 };

describe.each(WORLDS)('idempotency-key $name', ({ open, it }) => {
  it('writes/ambiguous-create: there is one record of each create, whatever became of its answer', async () => {
    await using world = await open('writes/ambiguous-create');
    const writing = idempotencyKey()(backoff(retry)(world.fetch));

    const answers = await createEach(writing, world, ['one', 'two', 'three', 'four']);

    // The first, fourth and sixth POST took effect, and their answers were lost.
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(answers.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual(['true', null, 'true', 'true']);
    expect(records(world)).toEqual(['one', 'two', 'three', 'four']);
    expect(unsafeReplays(world)).toEqual([]);
  });

  it('writes/ambiguous-create: inside backoff there are no retries, and a caller who repeats a create makes two', async () => {
    await using world = await open('writes/ambiguous-create');
    const inside = backoff(retry)(idempotencyKey()(world.fetch));
    const create = () => inside(...creation(world, 'one'));

    await expect(create()).rejects.toThrow(TypeError);
    expect((await create()).status).toBe(201);

    expect(records(world)).toEqual(['one', 'one']);
  });

  it('writes/ambiguous-create: inside a backoff that must retry each attempt has another key, and there are two records', async () => {
    await using world = await open('writes/ambiguous-create');
    const forced = backoff({ ...retry, shouldRetry: ({ transient }) => transient });

    const [answer] = await createEach(forced(idempotencyKey()(world.fetch)), world, ['one']);

    expect(answer!.status).toBe(201);
    expect(records(world)).toEqual(['one', 'one']);
    const keys = world.provider.ledger.entries.map(({ idempotencyKey: key }) => key);
    expect(new Set(keys).size).toBe(2);
  });

  it.each([
    ['text', (text: string) => text],
    ['bytes', (text: string) => new TextEncoder().encode(text)],
    ['a Blob', (text: string) => new Blob([text])],
  ])(
    'writes/ambiguous-create: the retry of %s, in a Request or not, has the same key and the same bytes',
    async (_kind, bodyOf) => {
      await using world = await open('writes/ambiguous-create');
      const writing = idempotencyKey({ key: ({ headers }) => headers.get('x-order')! })(backoff(retry)(world.fetch));

      for (const [index, isRequest] of [false, true].entries()) {
        const [url, init] = creation(world, `order ${index}`);
        const asked = { ...init, body: bodyOf(init.body), headers: { ...init.headers, 'x-order': `${index}` } };
        expect((await (isRequest ? writing(new Request(url, asked)) : writing(url, asked))).status).toBe(201);
      }

      expect(records(world)).toEqual(['order 0', 'order 1']);
      expect(unsafeReplays(world)).toEqual([]);
    },
  );

  it('writes/key-in-use: who asks again with the same key gets the first answer, and there is one record', async () => {
    await using world = await open('writes/key-in-use');
    const writing = idempotencyKey({ key: () => 'order-7' })(world.fetch);
    const create = () => writing(...creation(world, 'one'));

    const answers = [await create(), await create()];
    while (answers.at(-1)!.status === 409) answers.push(await create());

    expect(answers.map(({ status }) => status)).toEqual([504, 409, 201]);
    expect(answers.at(-1)!.headers.get('idempotent-replayed')).toBe('true');
    expect(records(world)).toEqual(['one']);
  });

  it('writes/key-in-use: refuses the key for another body before the provider sees it', async () => {
    await using world = await open('writes/key-in-use');
    const writing = idempotencyKey({ key: () => 'order-7' })(world.fetch);
    await writing(...creation(world, 'one'));
    const before = world.provider.ledger.tally().requests;

    await expect(writing(...creation(world, 'two'))).rejects.toThrow(/^idempotencyKey: key must name one request/);

    expect(world.provider.ledger.tally().requests).toBe(before);
    expect(records(world)).toEqual(['one']);
  });
});

function creation({ baseUrl }: World, name: string) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }) };
  return [`${baseUrl}/items`, init] as const;
}

async function createEach(fetch: typeof globalThis.fetch, world: World, names: string[]): Promise<Response[]> {
  const answers: Response[] = [];
  for (const name of names) answers.push(await fetch(...creation(world, name)));
  return answers;
}

function records({ provider }: World): unknown[] {
  const { collection, recall } = provider.resource('items');
  return collection.slice(0, 100).map((key) => recall(key).name);
}

function unsafeReplays({ provider }: World): string[] {
  const { findings } = provider.report().manners.find(({ verdict }) => verdict === 'safe-replays')!;
  return findings.map(({ actual }) => actual);
}
