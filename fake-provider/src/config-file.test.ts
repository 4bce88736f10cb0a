import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { grants } from './auth/grants/index.ts';
import { ConfigError } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { limitKinds } from './limits/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'fake-provider-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('reads YAML', () => {
  expect(readConfigFile(written('seed: 5\nresources:\n  users: { records: 3 }\n'))).toMatchObject({
    seed: 5,
    resources: { users: { records: 3 } },
  });
});

it('reads every kind of limit and every way in', () => {
  const text = `
auth:
  clients: { one: secret, app: { redirectUris: ['https://app.test/callback'], scopes: [users.read] } }
  grants: [client_credentials, refresh_token, authorization_code]
  refresh: { rotation: grace, graceSeconds: 30 }
  refreshTokens: { ref_0: one }
  scopes: { GET /users: users.read }
  expiresIn: wrong
  clockSkewSeconds: 20
  apiKeys: { my-key: one }
  basic: true
clockSkewSeconds: 90
resources: { users: {} }
limits:
  - { kind: fixed-window, name: a, with: { limit: 5, windowSeconds: 1 } }
  - { kind: sliding-window, name: b, cost: { write: 5 }, countRefused: true, with: { limit: 5, windowSeconds: 1 } }
  - { kind: token-bucket, name: c, with: { ratePerSecond: 5, burst: 5 } }
  - { kind: leaky-bucket, name: d, with: { leakPerSecond: 2, size: 40 } }
  - { kind: concurrency, name: e, with: { limit: 5 } }
  - { kind: quota, name: f, per: everyone, othersPerSecond: 0.01, with: { limit: 50000, period: month } }
  - { kind: penalty-box, name: g, with: { limit: 5, windowSeconds: 1 } }
`;
  const { limits, auth } = readConfigFile(written(text));

  expect(limits.map(({ kind }) => kind).sort()).toEqual(Object.keys(limitKinds).sort());
  expect(auth).toMatchObject({ grants: Object.keys(grants), refresh: { rotation: 'grace', ttlSeconds: 5_184_000 } });
});

it('reads JSON', () => {
  expect(readConfigFile(written('{"seed": 5, "auth": false}', 'json'))).toMatchObject({ seed: 5, auth: false });
});

it('takes an empty file for all defaults', () => {
  expect(readConfigFile(written('')).seed).toBe(1);
});

it.each<[string, string, string]>([
  ['a wrong value', 'seed: 1\nlatency:\n  minMs: 0\n  maxMs: soon\n', ':4: latency.maxMs: Invalid input'],
  ['an unknown field', 'seed: 1\nlimitz:\n  - one\n', ':2: limitz: is unknown'],
  ['an unknown field deep down', 'resources:\n  users:\n\n    recordz: 1\n', ':4: resources.users.recordz: is unknown'],
  [
    'a missing field',
    'limits:\n  - kind: token-bucket\n    name: a\n    with:\n      burst: 1\n',
    ':4: limits[0].with.ratePerSecond: Invalid input',
  ],
  ['an entry of a list', 'faults:\n  - fault: hang\n  - fault: hangs\n', ':3: faults[1].fault: Invalid discriminator'],
  ['a value that is no map', '\n\njust text\n', ':1: Invalid input: expected object'],
  ['a field given twice', 'seed: 1\nseed: 2\n', ':2: Map keys must be unique'],
  ['a bracket that stays open', 'seed: 1\nfaults: [\n', ':3: Flow sequence'],
  ['an alias of nothing', 'seed: *nowhere\n', ':1: Unresolved alias'],
  ['several documents', 'seed: 1\n---\nseed: 2\n', ':2: Source contains multiple documents'],
])('names file, line and field of %s in YAML', (_what, text, message) => {
  const file = written(text);

  expect(refusalOf(file)).toContain(`${file}${message}`);
});

it.each<[string, string, string]>([
  ['a wrong value', '{\n  "seed": 1,\n  "dialect": 5\n}', ':3: dialect: Invalid option'],
  ['an unknown field', '{\n  "seed": 1,\n  "auth": {\n    "ttl": 5\n  }\n}', ':4: auth.ttl: is unknown'],
  ['a missing field', '{\n  "limits": [\n    {}\n  ]\n}', ':3: limits[0].kind: Invalid discriminator'],
  ['a brace that stays open', '{\n  "seed": 1', ':2: Flow map'],
])('names file, line and field of %s in JSON', (_what, text, message) => {
  const file = written(text, 'json');

  expect(refusalOf(file)).toContain(`${file}${message}`);
});

it('names a file that is not there', () => {
  expect(refusalOf(join(folder, 'nowhere.yaml'))).toBe(`${join(folder, 'nowhere.yaml')}: cannot be read (ENOENT)`);
});

it('names a folder that is no file', () => {
  expect(refusalOf(folder)).toBe(`${folder}: cannot be read (EISDIR)`);
});

it('does not unfold aliases without end', () => {
  const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(10)}]`);

  expect(refusalOf(written(['l0: &l0 x', ...levels].join('\n')))).toContain('Excessive alias count');
});

it('throws nothing but a ConfigError of one line, whatever the text', () => {
  const snippet = fc.constantFrom(
    'seed',
    ': ',
    '\n',
    '  ',
    '- ',
    '[',
    '{',
    '}',
    '&a ',
    '*a',
    '? ',
    '!!set ',
    '"',
    '---\n',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(snippet, fc.string({ maxLength: 3 }))).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (source) => {
      const file = written(source);
      const refusal = refusalOf(file);
      if (refusal !== undefined) expect(refusal).toMatch(/^.+:\d+: .+$/);
    }),
    { numRuns: 300 },
  );
});

function written(text: string, ending = 'yaml'): string {
  const file = join(folder, `config.${ending}`);
  writeFileSync(file, text);
  return file;
}

function refusalOf(file: string): string | undefined {
  try {
    readConfigFile(file);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
}
