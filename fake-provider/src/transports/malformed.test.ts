import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createProvider, type Provider } from '../provider.ts';
import { type RunningServer, serve } from './express.ts';

let provider: Provider;
let server: RunningServer;
beforeAll(async () => {
  provider = createProvider({
    auth: false,
    resources: Object.fromEntries(PAGINATIONS.map((pagination) => [`by-${pagination}`, { pagination }])),
  });
  server = await serve(provider);
});
afterAll(() => server.close());

it.each([
  ['a method that is none', 'FOO /by-cursor HTTP/1.1', '', 400, 'method'],
  ['a method that is not allowed', 'PATCH /by-cursor HTTP/1.1', '', 405, 'method'],
  ['a tunnel', 'CONNECT api.test:443 HTTP/1.1', '', 405, 'method'],
  ['a path with a space', 'GET /by cursor HTTP/1.1', '', 400, 'request'],
  ['a path that is none', 'GET by-cursor HTTP/1.1', '', 400, 'path'],
  ['a path that is not ASCII', 'GET /é HTTP/1.1', '', 400, 'path'],
  ['two slashes', 'GET //by-cursor HTTP/1.1', '', 404, 'path'],
  ['a path that climbs', 'GET /../by-cursor HTTP/1.1', '', 404, 'path'],
  ['a path that climbs by a record', 'GET /by-cursor/.. HTTP/1.1', '', 404, 'id'],
  ['an encoded zero', 'GET /by-cursor/%00 HTTP/1.1', '', 404, 'id'],
  ['an encoding that is none', 'GET /by-cursor/%zz HTTP/1.1', '', 404, 'id'],
  ['a path of the prototype', 'GET /__proto__ HTTP/1.1', '', 404, 'path'],
  ['a path of an object', 'GET /constructor HTTP/1.1', '', 404, 'path'],
  ['a record of the prototype', 'GET /by-cursor/__proto__ HTTP/1.1', '', 404, 'id'],
  ['no path at all', 'GET ? HTTP/1.1', '', 400, 'path'],
  ['another protocol', 'GET /by-cursor SMTP/1.0', '', 400, 'request'],
  ['a version to come', 'GET /by-cursor HTTP/9.9', '', 400, 'request'],
  ['no HTTP', 'EHLO example.test', '', 400, 'method'],
  ['a header that is none', 'GET /by-cursor HTTP/1.1', 'x y: z\r\n', 400, 'headers'],
  ['headers that are too large', 'GET /by-cursor HTTP/1.1', `x: ${'y'.repeat(20_000)}\r\n`, 431, 'headers'],
  ['a length that is none', 'POST /oauth/token HTTP/1.1', 'content-length: ten\r\n', 400, 'content-length'],
  [
    'two lengths',
    'POST /oauth/token HTTP/1.1',
    'content-length: 1\r\ntransfer-encoding: chunked\r\n',
    400,
    'transfer-encoding',
  ],
  [
    'an unknown encoding',
    'POST /oauth/token HTTP/1.1',
    'content-length: 0\r\ncontent-encoding: nonsense\r\n',
    415,
    'body',
  ],
  [
    'an unknown charset',
    'POST /oauth/token HTTP/1.1',
    'content-length: 0\r\ncontent-type: text/plain; charset=nonsense\r\n',
    415,
    'body',
  ],
])('answers %s with the field at fault', async (_what, line, headers, status, field) => {
  const answer = await exchange(`${line}\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`);

  expect(answer).toMatchObject({ status, error: { field } });
});

it('answers HTTP/1.1 without a host', async () => {
  expect(await exchange('GET /by-cursor HTTP/1.1\r\nconnection: close\r\n\r\n')).toMatchObject({
    status: 400,
    error: { code: 'missing_header', field: 'host' },
  });
});

it('answers a chunk that is none', async () => {
  const head = 'POST /oauth/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';

  expect(await exchange(`${head}nonsense\r\n`)).toMatchObject({ status: 400, error: { field: 'body' } });
});

it('answers a body that does not unpack', async () => {
  const response = await fetch(`${server.url}/oauth/token`, {
    method: 'POST',
    body: 'not gzip',
    headers: { 'content-encoding': 'gzip' },
  });

  expect(response.status).toBe(400);
  expect((await response.json()).error).toMatchObject({ field: 'body' });
});

it('answers any bytes on the wire with a refusal, and the next request as ever', { timeout: 30_000 }, async () => {
  const token = fc.constantFrom(
    'GET',
    'POST',
    ' ',
    '/',
    'by-cursor',
    '?',
    '%',
    '..',
    '\r\n',
    ':',
    'host: x',
    'HTTP/1.1',
    '\0',
    'é',
  );
  const bytes = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.oneof(token, fc.string({ maxLength: 3 }))).map((parts) => parts.join('')),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (text) => {
      const answer = await exchange(`${text}\r\nconnection: close\r\n\r\n\r\n`);
      if (answer.status !== 200 && answer.status !== 204) expectRefusal(answer);
    }),
    { numRuns: 150 },
  );
  await expectToServe();
});

it('answers any path and query with a page or a refusal', { timeout: 30_000 }, async () => {
  const part = fc.oneof(
    fc.webPath(),
    fc.constantFrom(
      '/',
      '//',
      '/..',
      '/%2e%2e',
      '/%00',
      '/%',
      '/%zz',
      '/__proto__',
      '/constructor',
      '/toString',
      ';',
      '*',
    ),
  );
  const path = fc
    .tuple(fc.constantFrom('', ...PAGINATIONS.map((each) => `/by-${each}`)), part)
    .map((parts) => parts.join(''));
  const name = fc.constantFrom(
    'limit',
    'per_page',
    'page',
    'offset',
    'cursor',
    'after_id',
    'created_from',
    'created_to',
    '__proto__',
  );
  const value = fc.oneof(
    fc.string().map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom('', '%', '%zz', '%00', '-1', '1e9', '9'.repeat(400), '9'.repeat(10_000), 'NaN', '[]', '__proto__'),
  );
  const query = fc.array(
    fc.tuple(name, value).map((pair) => pair.join('=')),
    { maxLength: 4 },
  );
  const method = fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND');
  await fc.assert(
    fc.asyncProperty(method, fc.oneof(part, path), query, async (verb, at, pairs) => {
      const target = `${at.startsWith('/') ? '' : '/'}${at}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`;
      const answer = await exchange(`${verb} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      if (answer.status !== 200) expectRefusal(answer);
    }),
    { numRuns: 250 },
  );
  await expectToServe();
});

it('answers any body of a token request with a refusal', { timeout: 30_000 }, async () => {
  const open = createProvider({});
  const field = fc.constantFrom('grant_type', 'client_id', 'client_secret', '__proto__', 'constructor', 'é', '');
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('client_credentials', '__proto__', 'constructor', '%', '%zz', '\0'),
  );
  const form = fc.array(fc.tuple(field, value).map((pair) => pair.join('='))).map((pairs) => pairs.join('&'));
  const body = fc.oneof(form, fc.json(), fc.string(), fc.constant('x'.repeat(1_000_001)));
  const type = fc.constantFrom(
    'application/x-www-form-urlencoded',
    'application/json',
    'text/plain',
    '',
    ';;;',
    'a/b; charset',
  );
  const authorization = fc.oneof(
    fc.constantFrom('Basic', 'Basic =', 'Basic Og==', 'Bearer x', 'Digest'),
    fc.base64String().map((text) => `Basic ${text}`),
  );
  await using running = disposable(await serve(open));
  await fc.assert(
    fc.asyncProperty(body, type, fc.option(authorization), async (text, contentType, credentials) => {
      const response = await fetch(`${running.url}/oauth/token`, {
        method: 'POST',
        body: text,
        headers: { 'content-type': contentType, ...(credentials !== null && { authorization: credentials }) },
      });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      const answer = (await response.json()) as { error: string | { field: string }; error_description?: string };
      if (typeof answer.error === 'string')
        expect(answer.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
      else expect(answer.error.field).toBe('body');
    }),
    { numRuns: 100 },
  );
  expect(open.ledger.entries.every(({ client }) => client === 'anonymous' || client === 'demo-client')).toBe(true);
});

const PAGINATIONS = ['offset', 'page-number', 'cursor', 'link', 'keyset', 'time-window'] as const;

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly error: { readonly code: string; readonly message: string; readonly field: string } | undefined;
}

/** Sends these bytes on a connection of their own, and reads all that comes back. */
async function exchange(text: string): Promise<Answer> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let all = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
  socket.on('error', () => {});
  socket.write(text, 'latin1');
  await once(socket, 'close');
  const [head = '', rest = ''] = all.split(/\r\n\r\n(.*)/s);
  const body = rest.slice(0, Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0));
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1],
    error: body.startsWith('{') ? JSON.parse(body).error : undefined,
  };
}

function expectRefusal({ status, type, error }: Answer): void {
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(type).toBe('application/json; charset=utf-8');
  expect(error).toEqual({ code: expect.any(String), message: expect.any(String), field: expect.any(String) });
}

async function expectToServe(): Promise<void> {
  const response = await fetch(`${server.url}/by-cursor?limit=2`);
  expect(response.status).toBe(200);
  expect((await response.json()).data).toHaveLength(2);
  expect(Object.keys(Object.prototype)).toEqual([]);
}

function disposable(running: RunningServer) {
  return { url: running.url, [Symbol.asyncDispose]: () => running.close() };
}
