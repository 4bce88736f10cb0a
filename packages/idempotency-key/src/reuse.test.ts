import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Fetch, type IdempotencyKeyOptions, idempotencyKey } from './idempotency-key.ts';

const ORDERS = 'https://api.test/orders';
const REFUSED = /^idempotencyKey: key must name one request, got the key of an earlier one for /;

/** Each makes a body of this text, by the way it is passed to `fetch`. */
const BODIES: readonly [string, (text: string) => Parameters<Fetch>][] = [
  ['a string', (text) => [ORDERS, { method: 'POST', body: text }]],
  ['URLSearchParams', (text) => [ORDERS, { method: 'POST', body: new URLSearchParams({ text }) }]],
  ['a Blob', (text) => [ORDERS, { method: 'POST', body: new Blob([text]) }]],
  ['an ArrayBuffer', (text) => [ORDERS, { method: 'POST', body: new TextEncoder().encode(text).buffer }]],
  ['a view', (text) => [ORDERS, { method: 'POST', body: new TextEncoder().encode(`-${text}-`).subarray(1, -1) }]],
  ['a form', (text) => [ORDERS, { method: 'POST', body: formOf({ text }) }]],
  ['a form with a file', (text) => [ORDERS, { method: 'POST', body: formOf({ file: new File([text], 'a.txt') }) }]],
  ['a Request', (text) => [new Request(ORDERS, { method: 'POST', body: text })]],
  ['a Request with a form', (text) => [new Request(ORDERS, { method: 'POST', body: formOf({ text }) })]],
  ['a Request with a new body', (text) => [new Request(ORDERS, { method: 'POST', body: 'old' }), { body: text }]],
];

describe.each(BODIES)('a key whose body was %s', (_kind, bodyOf) => {
  it('is good for the same body again', async () => {
    const { send, sent } = keyed();

    await send(...bodyOf('one'));
    await send(...bodyOf('one'));
    await send(...bodyOf('one'));

    expect(sent()).toBe(3);
  });

  it('is good for no other body', async () => {
    const { send, sent } = keyed();
    await send(...bodyOf('one'));

    await expect(send(...bodyOf('two'))).rejects.toThrow(REFUSED);
    await expect(send(ORDERS, { method: 'POST' })).rejects.toThrow(TypeError);

    expect(sent()).toBe(1);
  });

  it('goes out with all of the body', async () => {
    let text: string | undefined;
    const wire: Fetch = async (...request) => {
      text = await new Request(...request).text();
      return new Response();
    };
    await idempotencyKey({ key: () => 'k' })(wire)(...bodyOf('all of it'));

    expect(text).toMatch(/all.of.it/);
  });
});

it.each([
  ['a method', ORDERS, { method: 'PATCH', body: 'one' }],
  ['a path', `${ORDERS}/7`, { method: 'POST', body: 'one' }],
  ['a query', `${ORDERS}?draft`, { method: 'POST', body: 'one' }],
  ['a body less', ORDERS, { method: 'POST' }],
])('takes %s that differs for another request', async (_what, url, init) => {
  const { send, sent } = keyed();
  await send(ORDERS, { method: 'POST', body: 'one' });

  await expect(send(url, init)).rejects.toThrow(REFUSED);
  expect(sent()).toBe(1);
});

it('takes a fragment for no part of a request, since it is not sent', async () => {
  const { send, sent } = keyed();
  await send(`${ORDERS}#one`, { method: 'POST' });
  await send(`${ORDERS}#two`, { method: 'POST' });
  expect(sent()).toBe(2);
});

it.each([
  ['multipart/form-data; boundary=b', '--b\nContent-Disposition: form-data; name="a"\n\none\n--b--'],
  ['multipart/form-data; boundary=b', '--b\r\nContent-Type: application/json\r\n\r\none\r\n--b--\r\n'],
  ['multipart/form-data', 'one'],
])('compares a Request whose %s is no form by its bytes', async (type, body) => {
  const { send, sent } = keyed();
  const headers = { 'content-type': type };
  const post = (text: string) => send(new Request(ORDERS, { method: 'POST', body: text, headers }));

  await post(body);
  await post(body);

  await expect(post(body.replace('one', 'two'))).rejects.toThrow(REFUSED);
  expect(sent()).toBe(2);
});

it('compares Requests where they have no `body`, as in Firefox', async () => {
  using _body = vi.spyOn(Request.prototype, 'body', 'get').mockReturnValue(undefined as never);
  const { send, sent } = keyed();
  const post = (body?: string) => send(new Request(ORDERS, { method: 'POST', ...(body && { body }) }));

  await post('one');
  await post('one');

  await expect(post('two')).rejects.toThrow(REFUSED);
  await expect(post()).rejects.toThrow(REFUSED);
  expect(sent()).toBe(2);
});

it('tells forms apart by names, files and what is in them', async () => {
  const forms = [
    { a: 'bc' },
    { ab: 'c' },
    { a: 'b', c: '' },
    { a: new File(['bc'], '1') },
    { a: new File(['bc'], '2') },
    { a: new File(['bc'], '1', { type: 'text/plain' }) },
    { a: new File(['cb'], '1') },
    {},
  ];
  for (const [index, one] of forms.entries()) {
    for (const [place, other] of forms.entries()) {
      const { send } = keyed();
      await send(ORDERS, { method: 'POST', body: formOf(one) });
      const again = send(ORDERS, { method: 'POST', body: formOf(other) }).then(
        () => 'sent',
        () => 'refused',
      );
      expect(await again, `${index} ${place}`).toBe(index === place ? 'sent' : 'refused');
    }
  }
});

it('keeps the keys of one origin apart from those of another', async () => {
  const { send, sent } = keyed();

  await send('https://api.test/', { method: 'POST', body: 'one' });
  await send('https://api.test:444/', { method: 'POST', body: 'two' });

  expect(sent()).toBe(2);
});

it('says which request it refuses, but not its query, its credentials or its key', async () => {
  const { send } = keyed({ key: () => 'marked' });
  await send('https://me:marked@api.test/orders?marked', { method: 'POST', body: 'one' });

  const error = await send('https://me:marked@api.test/orders?marked', { method: 'POST', body: 'two' }).catch(String);

  expect(error).toMatch(/POST https:\/\/api\.test\/orders$/);
  expect(error).not.toContain('marked');
});

it('tells two bodies apart, and knows one again, in whatever kind and pieces it comes', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), fc.nat(), async (one, other, cut) => {
      const { send } = keyed();
      await send(ORDERS, { method: 'POST', body: new Blob([one]) });
      const pieces = new Blob([other.slice(0, cut)]).stream().pipeThrough(followedBy(other.slice(cut)));
      const request = new Request(ORDERS, { method: 'POST', body: pieces, duplex: 'half' } as RequestInit);

      const isSame = Buffer.compare(one, other) === 0;
      const repeat = await send(ORDERS, { method: 'POST', body: other }).then(Boolean, () => false);
      expect(repeat).toBe(isSame);
      expect(await send(request).then(Boolean, () => false)).toBe(isSame);
      expect((await send(ORDERS, { method: 'POST', body: one })).ok).toBe(true);
    }),
    { examples: [[new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3]), 1]] },
  ));

it.each([
  ['one', '03wm5znh', '03zuglab'],
  ['the other', '03oqy1g4', '03uu3610'],
])('tells bodies apart that %s half of the fingerprint takes for the same', async (_half, one, other) => {
  const { send } = keyed();
  await send(ORDERS, { method: 'POST', body: one });
  await expect(send(ORDERS, { method: 'POST', body: other })).rejects.toThrow(REFUSED);
});

it('lets exactly one of two calls through that take one key for two bodies at once', async () => {
  const { send, sent } = keyed();

  const outcomes = await Promise.allSettled(
    ['one', 'two', 'one'].map((body) => send(ORDERS, { method: 'POST', body: new Blob([body]) })),
  );

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(sent()).toBe(2);
});

it('remembers as many keys as it is told, those that were used last', async () => {
  const { send } = keyed({ maxKeys: 2, key: ({ headers }) => headers.get('order')! });
  const order = (name: string, body: string) => send(ORDERS, { method: 'POST', body, headers: { order: name } });

  await order('a', 'one');
  await order('b', 'one');
  await order('a', 'one');
  await order('c', 'one');

  await expect(order('a', 'two')).rejects.toThrow(REFUSED);
  await expect(order('b', 'two')).resolves.toBeDefined();
});

it('remembers a thousand keys by default', async () => {
  let key = 0;
  const { send } = keyed({ key: () => `${key}` });
  for (key = 0; key < 1_001; key += 1) await send(ORDERS, { method: 'POST', body: 'one' });

  key = 1;
  await expect(send(ORDERS, { method: 'POST', body: 'two' })).rejects.toThrow(REFUSED);
  key = 0;
  await expect(send(ORDERS, { method: 'POST', body: 'two' })).resolves.toBeDefined();
});

it.each([
  ['a stream', () => new ReadableStream()],
  ['an async iterable', () => (async function* () {})()],
])('never reads %s, whose key is good for one call', async (_kind, streamOf) => {
  const { send, next } = keyed();
  const stream = streamOf() as ReadableStream;
  const touched = vi.fn();
  for (const method of ['getReader', 'tee', 'next', Symbol.asyncIterator] as const) {
    if (method in stream) Object.defineProperty(stream, method, { value: touched });
  }

  await send(ORDERS, { method: 'POST', body: stream });

  expect(next.mock.calls[0]![1]!.body).toBe(stream);
  expect(touched).not.toHaveBeenCalled();
  await expect(send(ORDERS, { method: 'POST', body: streamOf() as ReadableStream })).rejects.toThrow(REFUSED);
  await expect(send(ORDERS, { method: 'POST', body: '' })).rejects.toThrow(REFUSED);
});

it('sends the first use of a key before its body is read to the end', async () => {
  const { send, sent } = keyed();

  await send(endless().request);

  expect(sent()).toBe(1);
});

it('waits for the fingerprint of an earlier use no longer than the caller does', async () => {
  const { send, sent } = keyed();
  const controller = new AbortController();
  await send(endless().request);
  const second = send(ORDERS, { method: 'POST', body: 'one', signal: controller.signal });
  await new Promise((resolve) => setImmediate(resolve));

  controller.abort('gone');

  await expect(second).rejects.toBe('gone');
  expect(sent()).toBe(1);
});

it('stops reading a Request whose caller has gone, and forgets its key', async () => {
  const { send, sent } = keyed();
  const controller = new AbortController();
  const { request, cancelled } = endless(controller.signal);
  await send(request);

  controller.abort('gone');
  await send(ORDERS, { method: 'POST', body: 'one' });
  await request.body!.cancel();

  expect(cancelled).toHaveBeenCalledOnce();
  expect(sent()).toBe(2);
  await expect(send(ORDERS, { method: 'POST', body: 'two' })).rejects.toThrow(REFUSED);
});

it('lets one of two bodies at once through, where the first use of their key broke off', async () => {
  const { send, sent } = keyed();
  const controller = new AbortController();
  await send(endless(controller.signal).request);
  controller.abort('gone');

  const outcomes = await Promise.allSettled(
    ['one', 'two', 'one'].map((body) => send(ORDERS, { method: 'POST', body })),
  );

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(sent()).toBe(3);
});

it('does not wait at all for a caller who leaves while the key is made', async () => {
  const controller = new AbortController();
  const { send, sent } = keyed({
    key: ({ body }) => {
      if (body === 'two') controller.abort('gone');
      return 'order-7';
    },
  });
  await send(endless().request);

  await expect(send(ORDERS, { method: 'POST', body: 'two', signal: controller.signal })).rejects.toBe('gone');

  expect(sent()).toBe(1);
});

it('lets others have a turn while it reads a long string, which is sent before it is read', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { send, sent } = keyed();
  const body = 'x'.repeat(1_000_001);

  await keyed().send(ORDERS, { method: 'POST', body: body.slice(1) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(vi.getTimerCount()).toBe(0);
  await send(ORDERS, { method: 'POST', body });
  await new Promise((resolve) => setImmediate(resolve));
  expect(vi.getTimerCount()).toBe(1);
  const second = send(ORDERS, { method: 'POST', body });
  const third = expect(send(ORDERS, { method: 'POST', body: `${body.slice(1)}y` })).rejects.toThrow(REFUSED);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent()).toBe(1);
  await vi.runAllTimersAsync();

  await third;
  await second;
  expect(sent()).toBe(2);
});

it('leaves it to fetch to complain of a body that was used before', async () => {
  const { send, next } = keyed();
  const request = new Request(ORDERS, { method: 'POST', body: 'one' });
  await request.text();

  await send(request);
  await send(ORDERS, { method: 'POST', body: 'one' });
  await send(request);

  expect(next.mock.calls.map(([input]) => input)).toEqual([request, ORDERS, request]);
});

it('reads a Blob in pieces, and never as a whole', async () => {
  const { send } = keyed();
  const piece = new Uint8Array(1_000_000);
  const whole = new Blob(Array(8).fill(piece));
  const pieceRead = vi.fn();
  vi.stubGlobal(
    'WritableStream',
    class extends WritableStream<Uint8Array> {
      constructor(sink: UnderlyingSink<Uint8Array>) {
        super({
          write(chunk, controller) {
            pieceRead(chunk.length);
            return sink.write!(chunk, controller);
          },
        });
      }
    },
  );

  await send(ORDERS, { method: 'POST', body: whole });
  await send(ORDERS, { method: 'POST', body: whole });
  vi.unstubAllGlobals();

  expect(pieceRead.mock.calls.length).toBeGreaterThanOrEqual(16);
  expect(Math.max(...pieceRead.mock.calls.flat())).toBeLessThanOrEqual(1_000_000);
});

/** Adds one more piece at the end. */
function followedBy(piece: Uint8Array): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({ flush: (controller) => controller.enqueue(piece) });
}

/** A Request whose body goes on and on, a piece each time it is asked for one, until the test is over. */
function endless(signal?: AbortSignal) {
  const cancelled = vi.fn();
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const body = new ReadableStream({
    pull: async (controller) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver) controller.close();
      else controller.enqueue(new Uint8Array(1));
    },
    cancel: cancelled,
  });
  const init = { method: 'POST', body, duplex: 'half', ...(signal && { signal }) } as RequestInit;
  return { request: new Request(ORDERS, init), cancelled };
}

function formOf(fields: Record<string, string | File | undefined>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
  return form;
}

function keyed(options: IdempotencyKeyOptions = {}) {
  const next = vi.fn<Fetch>(async () => new Response());
  const policy = idempotencyKey({ key: () => 'order-7', ...options });
  return { next, send: policy(next), sent: () => next.mock.calls.length };
}
