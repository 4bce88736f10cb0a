import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';
import { type RunningServer, serve } from './express.ts';

let server: RunningServer | undefined;
afterEach(() => server?.close());

it('listens on 127.0.0.1 only, on any free port', async () => {
  const { url } = await open();

  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await refused('127.0.0.2', Number(new URL(url).port))).toBe(true);
});

it('says which port is in use', async () => {
  const { url } = await open();
  const port = Number(new URL(url).port);

  await expect(serve(createProvider(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
});

it('sends nothing of its own: one date by its clock, no tag, no brand', async () => {
  const { url } = await open();
  const { headers } = await fetch(`${url}/items`);

  expect([...headers.keys()].sort()).toEqual([
    'access-control-allow-origin',
    'access-control-expose-headers',
    'cache-control',
    'connection',
    'content-length',
    'content-type',
    'date',
    'keep-alive',
  ]);
  expect(headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
  expect(headers.get('content-length')).not.toBe('0');
});

it('answers the same to a conditional request', async () => {
  const { url } = await open();
  const headers = { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() };

  expect((await fetch(`${url}/items`, { headers })).status).toBe(200);
});

it('claims no length in an answer to HEAD, which has no body', async () => {
  const { url } = await open();
  const { headers } = await fetch(`${url}/items`, { method: 'HEAD' });

  expect(headers.has('content-length')).toBe(false);
});

it('keeps a connection open longer than any test', async () => {
  const { url } = await open();

  expect((await fetch(`${url}/items`)).headers.get('keep-alive')).toBe('timeout=600');
});

it('resets the connection, with RST', async () => {
  const { url } = await open({ faults: [{ fault: 'reset' }] });
  const socket = connectTo(url, 'GET /items HTTP/1.1\r\nhost: x\r\n\r\n');

  expect(await ended(socket)).toMatchObject({ code: 'ECONNRESET', text: '' });
});

it('closes the connection, with FIN', async () => {
  const { url } = await open({ faults: [{ fault: 'close' }] });
  const socket = connectTo(url, 'GET /items HTTP/1.1\r\nhost: x\r\n\r\n');

  expect(await ended(socket)).toEqual({ code: undefined, text: '' });
});

it('sends the head line by line, for as long as it was told', async () => {
  const { url } = await open({ faults: [{ fault: 'slow-headers', with: { forMs: 200 } }] });
  const socket = connectTo(url, 'GET /items?limit=1 HTTP/1.1\r\nhost: x\r\n\r\n');
  const pieces: string[] = [];
  const startMs = performance.now();
  socket.on('data', (chunk: string) => pieces.push(chunk));
  const { text } = await ended(socket);

  expect(performance.now() - startMs).toBeGreaterThan(150);
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces[0]).toBe('HTTP/1.1 200 OK\r\n');
  expect(text).toMatch(/\r\nconnection: close\r\n\r\n{"data":\[{.*}$/);
});

it('drips the body in pieces', async () => {
  const { url } = await open({ faults: [{ fault: 'dripped-body', with: { forMs: 100, pieces: 5 } }] });
  const pieces: Uint8Array[] = [];
  for await (const piece of (await fetch(`${url}/items`)).body!) pieces.push(piece);

  expect(pieces.length).toBeGreaterThanOrEqual(4);
  expect(JSON.parse(Buffer.concat(pieces).toString()).data).toHaveLength(100);
});

it('promises the whole body of which it sends a part', async () => {
  const { url } = await open({ faults: [{ fault: 'truncated-body', with: { share: 0.5 } }] });
  const { text, code } = await ended(connectTo(url, 'GET /items HTTP/1.1\r\nhost: x\r\n\r\n'));
  const [head = '', body = ''] = text.split('\r\n\r\n');

  expect(code).toBeUndefined();
  expect(body.length).toBe(Math.floor(Number(/content-length: (\d+)/.exec(head)![1]) / 2));
});

it('closes a connection that is idle for so long, and no sooner', async () => {
  const { url } = await open({ faults: [{ fault: 'close-idle', with: { afterMs: 150 } }] });
  const startMs = performance.now();
  const socket = connectTo(url, 'GET /items?limit=1 HTTP/1.1\r\nhost: x\r\n\r\n');
  setTimeout(() => socket.write('GET /items?limit=1 HTTP/1.1\r\nhost: x\r\n\r\n'), 75);
  const { text, code } = await ended(socket);

  expect(code).toBeUndefined();
  expect(performance.now() - startMs).toBeGreaterThan(200);
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  expect(text).toMatch(/keep-alive: timeout=600/i);
});

it('ends a hanging request when it closes', async () => {
  const { url, provider } = await open({ faults: [{ fault: 'hang' }] });
  const answer = fetch(`${url}/items`);
  const failed = expect(answer).rejects.toThrow(TypeError);
  while (provider.ledger.entries.length === 0) await new Promise((resolve) => setImmediate(resolve));

  await server!.close();

  await failed;
});

it('forgets an answer that nobody waits for any more', async () => {
  const { url, provider } = await open({ latency: { minMs: 60_000, maxMs: 60_000 } });
  const answer = fetch(`${url}/items`);
  const failed = expect(answer).rejects.toThrow(TypeError);
  while (provider.ledger.entries.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();

  await server!.close();
  await failed;

  expect(timers()).toBeLessThan(before);
});

it.each([
  'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
  'nonsense\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n',
  '',
])('closes though a client that sent %j keeps its end open', async (text) => {
  const { url } = await open();
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), allowHalfOpen: true }).on(
    'error',
    () => {},
  );
  socket.resume().write(text);
  await once(socket, text.startsWith('POST') || text === '' ? 'connect' : 'end');

  await server!.close();
  socket.destroy();
});

it.each([
  'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
  'nonsense\r\n\r\n',
  'GET /items HTTP/1.1\r\nhost: x\r\n\r\n',
  'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n',
])('outlives a client that sends %j and resets the connection', async (text) => {
  const { url } = await open();
  for (let count = 0; count < 20; count += 1) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    await new Promise<unknown>((resolve) => socket.write(text, resolve));
    socket.resetAndDestroy();
  }

  expect((await fetch(`${url}/items`)).status).toBe(200);
});

describe('a body that is announced as too large', () => {
  afterEach(() => void vi.useRealTimers());

  it.each(['', 'expect: 100-continue\r\n'])('is refused before any of it comes, with %j', async (expectation) => {
    const { url, provider } = await open();
    const socket = connectTo(
      url,
      `POST /items HTTP/1.1\r\nhost: x\r\n${expectation}content-length: 2147483648\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [string];
    socket.destroy();

    expect(answer).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/);
    expect(answer).toMatch(/{"error":{"code":"body_too_large",.*"field":"body"}}$/);
    expect(provider.ledger.entries).toEqual([]);
  });

  it('is waited for so long, and its connection closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await open();
    const socket = connectTo(url, 'POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 2147483648\r\n\r\nand no more');
    await once(socket, 'data');
    const end = ended(socket);
    let isOpen = true;
    void end.then(() => {
      isOpen = false;
    });

    vi.advanceTimersByTime(4_999);
    await throughTheWire(url);
    expect(isOpen).toBe(true);
    vi.advanceTimersByTime(1);

    expect((await end).text).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind where the client gives up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await open();
    const socket = connectTo(url, 'POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 2147483648\r\n\r\n');
    await once(socket, 'data');
    expect(vi.getTimerCount()).toBe(1);
    socket.destroy();
    const soon = performance.now() + 2_000;
    while (vi.getTimerCount() > 0 && performance.now() < soon) await new Promise((resolve) => setImmediate(resolve));

    expect(vi.getTimerCount()).toBe(0);
  });

  it('is read to its end where it comes, so that a client that sends first and reads later has its answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await open();
    const body = 'x'.repeat(1_500_000);
    const socket = connectTo(url, `POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [string];
    socket.pause();
    await new Promise<unknown>((resolve) => socket.write(body, resolve));
    const { code } = await ended(socket.resume());

    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(code).toBeUndefined();
  });
});

it.each([undefined, '{}'])(
  'answers 500, and says whose fault it is, where the provider itself breaks (body %j)',
  async (body) => {
    const provider = createProvider({ auth: false });
    const handle = () => {
      throw new Error('a bug');
    };
    server = await serve({ ...provider, handle });

    const response = await fetch(`${server.url}/items`, body === undefined ? {} : { method: 'POST', body });

    expect(response.status).toBe(500);
    expect(await response.text()).toContain('this is a bug in it, not a fault it simulates');
  },
);

it('serves a request that waits to be told to go on', async () => {
  const { url } = await open();
  const head = 'POST /items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n';
  const socket = connectTo(url, `${head}connection: close\r\ncontent-length: 14\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [string];
  socket.write('{"name":"one"}');

  expect(first).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  expect((await ended(socket)).text).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
});

it('serves a request whatever it expects', async () => {
  const { url } = await open();
  const socket = connectTo(url, 'GET /items HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\nconnection: close\r\n\r\n');

  expect((await ended(socket)).text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

it('takes a request in absolute form, as a proxy would send it', async () => {
  const { url } = await open();
  const socket = connectTo(url, 'GET http://x/items?limit=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');

  expect((await ended(socket)).text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

it('answers requests that were sent without waiting, in their order', async () => {
  const { url } = await open({
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 2, windowSeconds: 9 } }],
  });
  const one = 'GET /items?limit=1 HTTP/1.1\r\nhost: x\r\n\r\n';
  const socket = connectTo(url, `${one}${one}${one.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')}`);

  expect([...(await ended(socket)).text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    '200',
    '200',
    '429',
  ]);
});

/** A server that serves everyone, at a time that stands still. */
async function open(config: ConfigInput = {}) {
  const provider = createProvider({ auth: false, ...config }, { clock: manualClock() });
  server = await serve(provider);
  return { url: server.url, provider };
}

function connectTo(url: string, text: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.setEncoding('latin1').write(text);
  return socket;
}

/** All that came before the connection ended, and how it did. */
function ended(socket: Socket): Promise<{ text: string; code: string | undefined }> {
  return new Promise((resolve) => {
    let text = '';
    let code: string | undefined;
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
    socket.on('close', () => resolve({ text, code }));
  });
}

/** Whatever the server had to send before is there when a later connection has its answer. */
async function throughTheWire(url: string): Promise<void> {
  const { text } = await ended(connectTo(url, 'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'));
  expect(text).toMatch(/^HTTP\/1\.1 404 /);
}

function refused(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.on('connect', () => resolve(false));
    socket.on('error', () => resolve(true));
    socket.on('close', () => socket.destroy());
  });
}

it('tells what a client stack repeats by itself on a kept connection from what a client does', async () => {
  const faults = [{ fault: 'reset' as const, on: { calls: [2, 3] } }];
  const provider = createProvider({ auth: false, faults }, { clock: manualClock() });
  server = await serve(provider);
  const { url } = server;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = () =>
    new Promise<void>((resolve) => {
      get(`${url}/items?limit=1`, { agent }, (response) => response.resume().once('end', resolve)).once('error', () =>
        resolve(),
      );
    });
  for (let call = 0; call < 4; call += 1) await send();
  agent.destroy();

  const seen = provider.ledger.entries.map(({ status, isConnectionReused, isSilent }) => [
    status,
    isConnectionReused,
    isSilent,
  ]);
  expect(seen).toEqual([
    [200, false, false],
    [0, true, false],
    // At once, after a reset of a connection that had worked: nobody can tell who repeated it.
    [0, false, true],
    [200, false, false],
  ]);
});
