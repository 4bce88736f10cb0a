import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routesOf } from '../config.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { dialects } from '../dialects/index.ts';
import { paginations } from '../pagination/index.ts';
import { profiles } from '../profiles/index.ts';
import { createProvider, type Provider } from '../provider.ts';
import { type RunningServer, serve } from './express.ts';

/** How many malformed requests there are in all. `FAKE_PROVIDER_RUNS=100000` looks harder, for as long as it takes. */
const RUNS = Number(process.env.FAKE_PROVIDER_RUNS ?? 10_000);

const PROFILES = Object.keys(profiles) as (keyof typeof profiles)[];

describe.each(PROFILES)('as %s', (profile) => {
  let provider: Provider;
  let server: RunningServer;
  beforeAll(async () => {
    // All but the limits of the profile: what is refused here is refused for what it is.
    const byAll = Object.keys(paginations).map((pagination) => [`by-${pagination}`, { pagination }]);
    const resources = profile === 'default' ? Object.fromEntries(byAll) : undefined;
    provider = createProvider({ profile, auth: false, limits: [], clock: 'manual', ...(resources && { resources }) });
    server = await serve(provider);
  });
  afterAll(() => server.close());

  it('refuses what is malformed with 4xx and JSON, and keeps nothing of it', { timeout: 60_000 }, async () => {
    const before = await standing(provider, server);
    await fc.assert(
      fc.asyncProperty(malformed(provider), async (bytes) => {
        const { status, type, body } = await exchange(server, bytes);
        // With Slack, an error is a 200.
        if (profile !== 'slack' || status !== 200) expect(status).toBeOneOf(REFUSALS);
        else expect(JSON.parse(body).ok).toBe(false);
        expect(type).toMatch(/^application\/(problem\+)?json(; ?charset=utf-8)?$/i);
        expect(() => JSON.parse(body)).not.toThrow();
        expect(body).not.toMatch(/node_modules|\.ts:\d|internal/);
      }),
      { numRuns: Math.ceil(RUNS / PROFILES.length) },
    );
    expect(await standing(provider, server)).toEqual(before);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

/** Any refusal of a client's mistake. */
const REFUSALS = [400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431];

/** A request with one thing wrong, as bytes. */
function malformed({ config }: Provider): fc.Arbitrary<string> {
  const dialect: Dialect = dialects[config.dialect];
  const routes = routesOf(config).map(({ name, operation, resource }) => {
    const [method = '', path = ''] = name.split(' ');
    return { method, path: path.replace(/:[a-z]+/g, 'x'), operation, resource };
  });
  const route = fc.constantFrom(...routes);
  const listings = routes.filter(({ method, operation }) => method === 'GET' && operation === 'list');
  const writes = routes.filter(({ operation }) => operation === 'create' || operation === 'batch');

  const wrongMethod = fc
    .tuple(fc.constantFrom('PUT', 'TRACE', 'PROPFIND', 'MKCOL', 'FOO', 'get', 'G ET', '', 'GET\0'), route)
    .map(([method, { path }]) => request(method, path));
  const wrongPath = fc
    .tuple(
      route,
      fc.oneof(
        fc.constantFrom(
          '/..',
          '/%2e%2e',
          '/%00',
          '/%2F',
          '/%zz',
          '/__proto__',
          '/constructor/x',
          '//',
          '/;',
          '/%',
          '#',
        ),
        fc.constantFrom('\0', ' ', 'é', '\t', '%ff/a/b/c', `/${'a/'.repeat(2_000)}`),
      ),
      fc.constantFrom('', '/', '//', '/../', '/__admin/..', '/__proto__', '/toString'),
    )
    .filter(([, end, start]) => !(start === '' && end === '#'))
    .map(([{ path }, end, start]) => request('GET', `${start}${path}${end}/no/such/path`));
  const wrongQuery = fc
    .tuple(
      fc.constantFrom(...(listings.length > 0 ? listings : routes)),
      fc.oneof(
        fc.constantFrom('', '-1', '-0', '1e400', '1e9', 'NaN', 'Infinity', '0x10', '%', '%00', '%zz', '[]', 'null'),
        fc.constantFrom(
          '9'.repeat(400),
          '9'.repeat(9_000),
          '1.5',
          '+1',
          '%EF%BC%91',
          '\x7f',
          '__proto__',
          '{}',
          '1&&1',
        ),
      ),
      fc.constantFrom('', '&x=1', '&__proto__=1', '&constructor=1'),
    )
    .map(([{ path, resource = '' }, value, more]) => {
      const { limit } = dialect.fields(config.resources[resource]?.pagination ?? 'cursor');
      return request('GET', `${path}?${limit}=${value === '1&&1' ? `1&${limit}=1` : value}${more}`);
    });
  const nested = fc
    .tuple(fc.constantFrom('[', '{"a":'), fc.constantFrom(101, 5_000, 100_000))
    .map(([open, depth]) => `{"name":"x","deep":${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}}`);
  const wrongBody = fc
    .tuple(
      fc.constantFrom(...(writes.length > 0 ? writes : routes)),
      fc.oneof(
        fc.string().filter((text) => !isJson(text)),
        fc.constantFrom('', '{', '{"name":}', 'null', '1e400', '"x"', '-0', '[1]', '{"__proto__":{"a":1}}', '\ufeff{}'),
        fc.constantFrom('{"constructor":{}}', '{"name":"\0"', '{"id":"x"}', `{"name":"${'x'.repeat(1_000_000)}"}`),
        nested,
      ),
      fc.constantFrom('application/json', 'text/plain', '', ';;;', 'application/json; charset=nonsense', 'multipart/x'),
    )
    // A batch refuses an item that is wrong, not the others.
    .filter(([{ operation }, body]) => operation !== 'batch' || body !== '[1]')
    .map(([{ method, path }, body, type]) => request(method, path, `content-type: ${type}\r\n`, body));
  const wrongHeader = fc
    .tuple(
      route,
      fc.oneof(
        fc.constantFrom(
          'x y: z',
          ': z',
          'x',
          'x : y',
          'x: a\0b',
          'x: a\rb',
          'content-length: ten',
          'content-length: -1',
        ),
        fc.constantFrom('content-length: 1\r\ncontent-length: 2', 'transfer-encoding: nonsense', 'content-length: 9e9'),
        fc.constantFrom('content-length: 3\r\ntransfer-encoding: chunked', `x: ${'y'.repeat(20_000)}`, 'é: x'),
        fc.constant(Array.from({ length: 2_000 }, (_, n) => `x-${n}: y`).join('\r\n')),
      ),
    )
    .map(([{ method, path }, line]) => request(method, path, `${line}\r\n`));
  const noHttp = fc
    .tuple(
      fc.constantFrom('EHLO x', 'GET /', 'GET / SMTP/1.0', 'GET / HTTP/9.9', '\x16\x03\x01\0\xa5\x01', '{}'),
      fc.string(),
    )
    .map(([line, more]) => `${line === 'GET /' ? 'GET / HTTP/1.1 ' : line}${more}\r\n\r\n\r\n`);

  return fc.oneof(
    wrongMethod,
    wrongPath,
    ...(listings.length > 0 ? [wrongQuery] : []),
    ...(writes.length > 0 ? [wrongBody] : []),
    wrongHeader,
    noHttp,
  );
}

function request(method: string, target: string, headers = '', body = ''): string {
  const bytes = Buffer.from(body).toString('latin1');
  const length = body === '' ? '' : `content-length: ${bytes.length}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${length}${headers}\r\n${bytes}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What must not change: every record, and what a good request is answered. */
async function standing({ config, resource }: Provider, { url }: RunningServer) {
  const revisions = Object.keys(config.resources).map((name) => resource(name).collection.revision);
  const health = await fetch(`${url}/__admin/health`);
  return { revisions, status: health.status };
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

/** Sends these bytes on a connection of their own, and reads all that comes back. */
async function exchange({ url }: RunningServer, bytes: string): Promise<Answer> {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
  let all = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
  socket.on('error', () => {});
  socket.end(bytes, 'latin1');
  await once(socket, 'close');
  const [head = '', body = ''] = all.split(/\r\n\r\n(.*)/s);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1],
    body,
  };
}
