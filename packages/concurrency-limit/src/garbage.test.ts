import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { concurrencyLimit } from './concurrency-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

it("takes a place back from a response that nobody holds any more, with hold: 'body', and frees its connection", async () => {
  const cancel = vi.fn();
  const next = vi.fn(async () => new Response(new ReadableStream({ cancel })));
  const send = concurrencyLimit({ max: 1, hold: 'body' })(next);
  await send('https://api.test/items');

  const behind = vi.fn();
  void send('https://api.test/items').then(behind);
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(behind).toHaveBeenCalled();
    },
    { timeout: 15_000, interval: 10 },
  );

  expect(cancel).toHaveBeenCalled();
});

it("does not take a body that is still read for one that nobody holds, with hold: 'body'", async () => {
  let source: ReadableStreamDefaultController | undefined;
  const body = () =>
    new ReadableStream({
      start(controller) {
        source ??= controller;
      },
    });
  const next = vi.fn(async () => new Response(body()));
  const send = concurrencyLimit({ max: 1, hold: 'body' })(next);
  const reader = (await send('https://api.test/items')).body!.getReader();
  void send('https://api.test/items');

  for (let i = 0; i < 20; i += 1) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  expect(next).toHaveBeenCalledTimes(1);

  source?.close();
  await reader.read();
  await vi.waitFor(() => expect(next).toHaveBeenCalledTimes(2));
});
