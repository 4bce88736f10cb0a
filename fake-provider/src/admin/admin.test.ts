import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider, type Provider } from '../provider.ts';
import { type RunningServer, serve } from '../transports/express.ts';
import { adminRoutes } from './index.ts';

const TOKEN = 'a-token-of-the-admin';

let server: RunningServer | undefined;
afterEach(() => server?.close());

describe.each(['over HTTP', 'in process'] as const)('%s', (how) => {
  it('says that it runs', async () => {
    const { admin } = await open({ profile: 'github', seed: 7 });

    expect(await admin('GET /health')).toEqual({
      status: 200,
      json: { status: 'ok', profile: 'github', seed: 7, requests: 0 },
    });
  });

  it('costs no quota, meets no fault and is not in the ledger', async () => {
    const { admin, provider } = await open({
      auth: false,
      limits: [{ kind: 'fixed-window', name: 'all', per: 'everyone', with: { limit: 1, windowSeconds: 60 } }],
      faults: [{ fault: 'reset' }],
    });
    for (let count = 0; count < 5; count += 1) expect((await admin('GET /state')).status).toBe(200);

    expect(provider.ledger.tally().requests).toBe(0);
    expect(provider.levels()).toMatchObject([{ name: 'all', remaining: 1, caller: undefined }]);
  });

  it('finds and counts requests', async () => {
    const { admin, ask } = await open({ auth: false, faults: [{ fault: 'unavailable', on: { calls: [2] } }] });
    for (let count = 0; count < 3; count += 1) await ask('/items?limit=1');
    await ask('/nowhere');

    expect((await admin('GET /requests/count?path=/items')).json).toEqual({ count: 3 });
    expect((await admin('GET /requests/count?path=/items&status=200')).json).toEqual({ count: 2 });
    expect((await admin('GET /requests?simulated=unavailable')).json).toMatchObject({
      count: 1,
      requests: [{ sequence: 2, status: 503 }],
    });
    expect((await admin('GET /requests?after=3')).json.requests).toMatchObject([{ path: '/nowhere', status: 404 }]);
    expect((await admin('GET /requests?limit=2')).json).toMatchObject({
      count: 4,
      requests: [{ sequence: 3 }, { sequence: 4 }],
    });
  });

  it('does not move the clock to where no date can be written', async () => {
    const { admin, ask } = await open({ auth: false, clock: 'manual' });
    const decade = { seconds: 315_360_000 };
    let answer = await admin('POST /clock/advance', decade);
    while (answer.status === 200) answer = await admin('POST /clock/advance', decade);

    expect(answer).toMatchObject({
      status: 400,
      json: { error: { field: 'seconds', message: 'seconds must not lead past the year 9000' } },
    });
    expect((await ask('/items')).headers.get('date')).toMatch(/ 89\d\d \d\d:\d\d:\d\d GMT$/);
  });

  it('stops the clock, moves it and lets it go', async () => {
    const { admin, ask } = await open({ auth: false, clock: 'manual' });
    const start = '2026-01-01T00:00:00.000Z';

    expect((await admin('GET /clock')).json).toMatchObject({ mode: 'manual', isFrozen: false, now: { iso: start } });
    expect((await admin('POST /clock/freeze')).json).toMatchObject({ isFrozen: true });
    await admin('POST /clock/advance', { seconds: 90 });
    expect((await ask('/items')).headers.get('date')).toBe('Thu, 01 Jan 2026 00:01:30 GMT');
    expect((await admin('POST /clock/reset')).json).toMatchObject({ isFrozen: false, now: { iso: start } });
  });

  it('refills a limit by moving the clock', async () => {
    const limit = { kind: 'fixed-window', name: 'minute', with: { limit: 1, windowSeconds: 60 } } as const;
    const { admin, ask } = await open({ auth: false, clock: 'manual', limits: [limit] });

    expect([(await ask('/items')).status, (await ask('/items')).status]).toEqual([200, 429]);
    await admin('POST /clock/advance', { seconds: 60 });
    expect((await ask('/items')).status).toBe(200);
  });

  it('tells the settings without a secret', async () => {
    const secrets = ['hush-client', 'hush-key', 'hush-refresh'];
    const auth = {
      clients: { me: secrets[0]! },
      apiKeys: { [secrets[1]!]: 'me' },
      refreshTokens: { [secrets[2]!]: 'me' },
    };
    const { admin } = await open({ auth });
    const { json } = await admin('GET /settings');

    expect(json).toMatchObject({ seed: 1, auth: { clients: { me: { secret: '[redacted]' } } } });
    for (const secret of secrets) expect(JSON.stringify(json)).not.toContain(secret);
  });

  it('changes limits, faults and latency in the middle of a run, and nothing else', async () => {
    const { admin, ask, provider } = await open({ auth: false });
    await ask('/items');
    const limits = [{ kind: 'fixed-window', name: 'all', with: { limit: 1, windowSeconds: 60 } }];
    await admin('PATCH /settings', { limits, faults: [{ fault: 'unavailable', on: { calls: [3] } }] });

    const statuses = [await ask('/items'), await ask('/items'), await ask('/items')].map(({ status }) => status);
    expect(statuses).toEqual([200, 503, 429]);
    expect(provider.ledger.tally().requests).toBe(4);
    expect(provider.config.limits).toMatchObject(limits);
  });

  it('begins a scenario', async () => {
    const { admin, ask, provider } = await open({ seed: 5 });
    await ask('/items');
    const { scenarios } = (await admin('GET /scenarios')).json;
    expect(scenarios).toContainEqual(expect.objectContaining({ id: 'wire/hang', level: 'must' }));

    expect((await admin('POST /scenarios', { id: 'wire/hang' })).json).toMatchObject({ id: 'wire/hang', seed: 5 });
    expect(provider.config).toMatchObject({ seed: 5, faults: [{ fault: 'hang' }] });
    expect(provider.ledger.tally().requests).toBe(0);
  });

  it('adds a fault for a while, and takes it back', async () => {
    const { admin, ask } = await open({ auth: false, clock: 'manual' });
    const fault = { fault: 'unavailable', on: { route: 'GET /items' } };
    const { status, json } = await admin('POST /faults', { ...fault, ttlSeconds: 30 });
    expect({ status, json }).toMatchObject({
      status: 201,
      json: { ...fault, id: '1', until: { iso: '2026-01-01T00:00:30.000Z' } },
    });
    expect((await ask('/items')).status).toBe(503);
    expect((await admin('GET /faults')).json).toMatchObject({ configured: [], added: [{ id: '1' }] });

    await admin('POST /clock/advance', { seconds: 30 });
    expect((await ask('/items')).status).toBe(200);
    expect((await admin('GET /faults')).json.added).toEqual([]);

    await admin('POST /faults', fault);
    await admin('POST /faults', { fault: 'overloaded' });
    expect((await admin('DELETE /faults/3')).status).toBe(200);
    expect((await admin('DELETE /faults/3')).status).toBe(404);
    expect((await ask('/items')).status).toBe(503);
    await admin('DELETE /faults');
    expect((await ask('/items')).status).toBe(200);
  });

  it('begins again, as before or as told', async () => {
    const { admin, ask, provider } = await open({ auth: false, seed: 3 });
    await ask('/items');
    await admin('POST /reset');
    expect([provider.ledger.tally().requests, provider.config.seed]).toEqual([0, 3]);

    await admin('POST /reset', { config: { auth: false, seed: 4, clock: 'manual' } });
    expect(provider.config.seed).toBe(4);
    expect((await ask('/items')).headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
  });

  it('reports manners, and the records where they are given', async () => {
    const { admin, ask } = await open({ auth: false, resources: { items: { records: 2 } } });
    const { data } = await (await ask('/items')).json();

    expect((await admin('GET /report')).json).toMatchObject({ passed: true, requests: { requests: 1 } });
    const partly = await admin('POST /report', { records: { items: data.slice(1) } });
    expect(partly.json).toMatchObject({ passed: false, data: { items: { lost: [data[0].id] } } });
  });

  it('gives its figures to Prometheus', async () => {
    const { ask, url } = await open({
      auth: false,
      limits: [{ kind: 'fixed-window', name: 'all', with: { limit: 5, windowSeconds: 60 } }],
    });
    await ask('/items');
    const response = await ask('/__admin/metrics');

    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('# TYPE fake_provider_requests_total counter\nfake_provider_requests_total 1\n');
    expect(text).toContain('fake_provider_limit_remaining{limit="all",caller="anonymous"} 4\n');
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[\d.]+(e[+-]\d+)?)$/);
    }
    expect(url).toBeDefined();
  });

  it.each([
    ['POST /clock/advance', { seconds: -1 }, 'seconds'],
    ['POST /clock/advance', {}, 'seconds'],
    ['POST /clock/advance', { seconds: 1, ms: 1 }, 'ms'],
    ['POST /clock/freeze', [], 'body'],
    ['POST /scenarios', { id: 'netscape' }, 'id'],
    ['POST /scenarios', { id: 'wire/hang', seed: -1 }, 'seed'],
    ['POST /faults', { fault: 'netscape' }, 'fault'],
    ['POST /faults', { fault: 'hang', on: { route: 'GET /nowhere' } }, 'on.route'],
    ['POST /faults', { fault: 'hang', with: { forMs: 1 } }, 'with.forMs'],
    ['POST /faults', { fault: 'hang', ttlSeconds: 0 }, 'ttlSeconds'],
    ['POST /faults', '{"fault":', 'body'],
    ['PATCH /settings', { seed: 2 }, 'seed'],
    ['PATCH /settings', { latency: { maxMs: -1 } }, 'latency.maxMs'],
    ['PATCH /settings', { limits: [{ kind: 'quota' }] }, 'limits[0].name'],
    ['PATCH /settings', '{"__proto__": {"seed": 1}}', '__proto__'],
    ['POST /reset', { config: { limitz: [] } }, 'config.limitz'],
    ['POST /reset', { config: { clock: 'auto' } }, 'config.clock'],
    ['POST /reset', 'null', 'body'],
    ['POST /report', { records: { none: [] } }, 'records'],
    ['POST /report', { records: { items: [{ id: 1 }] } }, 'records.items[0].id'],
    ['GET /requests?limit=0', undefined, 'limit'],
    ['GET /requests?limitz=1', undefined, 'limitz'],
    ['GET /requests/count?status=200&status=500', undefined, 'status'],
    ['GET /state?after=-1', undefined, 'after'],
    ['DELETE /clock', undefined, 'method'],
    ['GET /netscape', undefined, 'path'],
  ])('refuses %s %j, naming the field', async (what, body, field) => {
    const { admin, provider } = await open({});
    const before = structuredClone(provider.config);
    const { status, json } = await admin(what, body);

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(json).toEqual({ error: { code: expect.any(String), message: expect.any(String), field } });
    expect(provider.config).toEqual(before);
  });

  async function open(config: ConfigInput) {
    const provider = createProvider(config);
    if (how === 'over HTTP') server = await serve(provider);
    const url = how === 'over HTTP' ? server!.url : 'http://provider.test';
    const ask: Provider['fetch'] = (path, init) =>
      (how === 'over HTTP' ? fetch : provider.fetch)(`${url}${path}`, init);
    const admin = async (what: string, body?: unknown) => {
      const [method = '', path = ''] = what.split(' ');
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const response = await ask(`/__admin${path}`, text === undefined ? { method } : { method, body: text });
      return { status: response.status, json: await response.json() };
    };
    return { provider, url, ask, admin };
  }
});

it('asks for its token wherever one is set, but for the page', async () => {
  server = await serve(createProvider(), { adminToken: TOKEN });
  for (const { name } of adminRoutes.filter(({ isPublic }) => !isPublic)) {
    const [method = '', path = ''] = name.split(' ');
    for (const authorization of ['', 'Bearer nope', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
      const response = await fetch(`${server.url}${path}`, { method, headers: { authorization } });
      expect(response.status).toBe(401);
      expect((await response.json()).error.field).toBe('authorization');
    }
  }
  expect((await fetch(`${server.url}/__admin/`)).status).toBe(200);
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect((await fetch(`${server.url}/__admin/health`, { headers })).status).toBe(200);
});

it.each([
  [{ host: 'attacker.example' }, 'host'],
  [{ origin: 'https://attacker.example' }, 'origin'],
])('lets no page of another origin steer, %j', async (headers, field) => {
  server = await serve(createProvider());
  const { status, body } = await raw(`${server.url}/__admin/reset`, headers);

  expect(status).toBe(403);
  expect(JSON.parse(body).error.field).toBe(field);
});

it.each(['0.0.0.0', '::', '192.0.2.1', 'example.com'])('does not listen at %s without a token', async (host) => {
  await expect(serve(createProvider(), { host })).rejects.toThrow(
    `host ${host} can be reached from other machines, which needs an admin token`,
  );
});

it('is not fooled by paths that only begin alike', async () => {
  server = await serve(createProvider({ auth: false }), { adminToken: TOKEN });
  for (const path of ['/__administrator', '/items/..%2f__admin/reset', '/%5f%5fadmin/health']) {
    expect((await fetch(`${server.url}${path}`)).headers.get('access-control-allow-origin')).toBe('*');
  }
});

/** Sends what `fetch` would not. */
function raw(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', headers }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, body });
    })
      .on('error', reject)
      .end();
  });
}
