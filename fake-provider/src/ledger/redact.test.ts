import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';
import { serve } from '../transports/express.ts';
import { logLine } from './log-line.ts';
import { createRedactor } from './redact.ts';

it('keeps no secret that a client used, wherever it put it', async () => {
  const provider = createProvider({
    auth: { clients: { one: 's3cr3t-of-one', other: 's3cr3t-of-other' } },
    faults: [{ fault: 'unavailable', on: { ratio: 0.3 } }],
  });
  const send = (path: string, init?: RequestInit) => provider.fetch(`https://api.test${path}`, init);
  const secrets = [
    's3cr3t-of-one',
    's3cr3t-of-other',
    'idem-77-potency',
    'cookie-crumbs',
    'key-abcdef-123',
    'hush-hush',
  ];
  for (const [client, secret] of [
    ['one', 's3cr3t-of-one'],
    ['other', 's3cr3t-of-other'],
  ] as const) {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: secret });
      const answer = await send('/oauth/token', { method: 'POST', body });
      const basic = btoa(`${client}:${secret}`);
      await send('/oauth/token', {
        method: 'POST',
        body: 'grant_type=x',
        headers: { authorization: `Basic ${basic}` },
      });
      const { access_token: token = 'tok_unknown_but_secret' } = await answer.json();
      secrets.push(token, basic);
      const headers = {
        authorization: `Bearer ${token}`,
        cookie: 'session=cookie-crumbs; theme=dark',
        'x-api-key': 'key-abcdef-123',
        'idempotency-key': 'idem-77-potency',
      };
      for (const path of [
        `/items?access_token=${token}&password=hush-hush`,
        `/items/${token}`,
        `/items/${encodeURIComponent(`a:${token}`)}`,
        `/items/${secret}`,
        `/items/${basic}`,
        `/items/session=cookie-crumbs`,
        '/items/key-abcdef-123/idem-77-potency',
        '/nothing/sk_live_4eC39HqLyjWDarjtT1zdp7dc/xoxb-17653672481-19874698323',
        '/nothing/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
      ]) {
        await send(path, { headers });
        await send(path, { method: 'POST', headers, body: `{"card":"hush-hush"}` });
      }
    }
  }
  secrets.push('sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'xoxb-17653672481', 'eyJhbGciOiJIUzI1NiJ9');

  const { entries } = provider.ledger;
  const kept = [JSON.stringify(entries), entries.map(logLine).join('\n'), JSON.stringify(provider.report())].join('\n');
  expect(entries.length).toBeGreaterThan(90);
  expect(provider.report().passed).toBe(false);
  for (const secret of secrets) expect(kept).not.toContain(secret);
});

it.each(['a-token-of-the-admin', 'a/token+of/the=admin'])(
  'keeps no %s of the admin, wherever it is presented',
  async (token) => {
    const provider = createProvider({ auth: { apiKeys: { 'key-1': 'acme' } } });
    const log: string[] = [];
    const server = await serve(provider, { adminToken: token, onRequest: (entry) => void log.push(logLine(entry)) });
    const admin = async (path: string, method = 'GET') => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${server.url}/__admin/${path}`, { method, headers })).text();
    };
    const kept: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      for (const text of [token, encodeURIComponent(token)]) {
        for (const path of [
          `/items/${text}`,
          `/items/id-${text}`,
          `/nowhere/${text}/x`,
          `/items?token=${text}`,
          '/items',
        ]) {
          await fetch(`${server.url}${path}`, { headers: { 'x-api-key': 'key-1' } });
          await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${text}` } });
        }
      }
      kept.push(
        JSON.stringify(provider.ledger.entries),
        await admin('requests'),
        await admin('state'),
        await admin('report'),
      );
      await admin('reset', 'POST');
    }
    await server.close();

    expect(log).toHaveLength(40);
    expect(kept.join()).toContain('[redacted]');
    expect(kept.join()).toContain('a secret in the URL');
    for (const text of [token, encodeURIComponent(token)]) {
      expect(kept.join()).not.toContain(text);
      expect(log.join()).not.toContain(text);
    }
  },
);

it('leaves a path as it is where nothing in it is secret', () => {
  const { path } = createRedactor(['s3cr3t'], (text) => text === 'tok_1');

  expect(path('/v1/customers/cus_123%20x', ['tok_2', 'Bearer tok_2'])).toBe('/v1/customers/cus_123%20x');
  expect(path('/v1/tok_1/%74ok_2/x', ['tok_2'])).toBe('/v1/[redacted]/[redacted]/x');
  expect(path(`/${'x'.repeat(1_000)}`, [])).toHaveLength(300);
});

it('writes one line for a request, whatever its path holds', () => {
  const provider = createProvider({ auth: false, clock: 'manual', faults: [{ fault: 'reset' }] });
  const call = { method: 'GET', path: '/it\nems\u001b[31m', query: new URLSearchParams(), headers: {}, body: '' };
  provider.handle({ ...call, ip: '', origin: 'http://a' });

  expect(logLine(provider.ledger.entries[0]!)).toBe(
    '1 2026-01-01T00:00:00.000Z anonymous GET /it?ems?[31m broken reset',
  );
});
