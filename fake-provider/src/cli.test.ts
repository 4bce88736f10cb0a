import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { main } from './cli.ts';
import { configSchema } from './config.ts';
import { configJsonSchema } from './json-schema.ts';
import { lists } from './lists.ts';
import { scenarios } from './scenarios/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'fake-provider-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SERVE =
  'there is: --port <number>, --host <address>, --profile <name>, --scenario <id>, --config <file>, --watch, --seed <number>, --record-plan <file>, --plan <file>, --admin-token <text>, --output <form>, --quiet (try --help)';

const COMMANDS =
  'there is: serve, conformance, conformance-matrix, validate, schema, scenarios, profiles, faults, limits, paginations, defects, dialects, settings, manners (try --help)';

describe('as a command of its own', { timeout: 30_000 }, () => {
  it.concurrent.each([
    [
      'serve --port nope',
      "option '--port <number>' argument 'nope' is invalid. It must be a whole number from 0 to 65535.",
    ],
    ['serve --prot 1', `unknown option '--prot'; ${SERVE}`],
    ['server', `unknown command 'server'; ${COMMANDS}`],
    ['', `a command is missing; ${COMMANDS}`],
    [
      `serve --config ${written('unknown.yaml', 'seed: 1\nlimitz: []\n')}`,
      `${join(folder, 'unknown.yaml')}:2: limitz: is unknown; there is ${Object.keys(configSchema.shape).join(', ')}`,
    ],
  ])('refuses %j with exit code 2 and one line on stderr', async (args, reason) => {
    expect(await run(args)).toEqual({ code: 2, out: '', error: `fake-provider: ${reason}\n` });
  });

  it.concurrent('refuses a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };

    expect(await run(`serve --port ${port}`)).toEqual({
      code: 2,
      out: '',
      error: `fake-provider: --port ${port} is in use; choose another, or 0 for any free one\n`,
    });
    other.close();
  });

  it.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
    'serves until %s, and then ends with exit code 0',
    async (signal) => {
      const config = written(`${signal}.yaml`, 'auth: false\nfaults: [{ fault: hang }]\n');
      const child = start(`serve --port 0 --seed 42 --config ${config}`);
      const ended = outcomeOf(child);
      const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
      const [, url] = /^Listening on (http:\/\/127\.0\.0\.1:\d+)\n/.exec(`${chunk}`)!;
      expect((await fetch(`${url}/items`, { method: 'HEAD' })).status).toBe(200);
      const hanging = connect(Number(new URL(url!).port), '127.0.0.1').on('error', () => {});
      hanging.write('HEAD /items HTTP/1.1\r\nhost: x\r\n\r\nGET /items HTTP/1.1\r\nhost: x\r\n\r\n');
      await once(hanging, 'data');

      const sinceMs = performance.now();
      child.kill(signal);

      expect(await ended).toEqual({
        code: 0,
        out: expect.stringContaining(
          `Listening on ${url}\nSame again: fake-provider serve --config ${config} --seed 42\n1 2`,
        ),
        error: '',
      });
      expect(performance.now() - sinceMs).toBeLessThan(1_000);
      hanging.destroy();
    },
  );
});

it.each([
  ['--port -1', /'--port <number>' argument '-1' is invalid\. It must be a whole number from 0 to 65535\./],
  ['--port 65536', /It must be a whole number from 0 to 65535\./],
  ['--port 1.5', /It must be a whole number from 0 to 65535\./],
  ['--port 0x10', /It must be a whole number from 0 to 65535\./],
  ['--port', /option '--port <number>' argument missing/],
  ['--seed 9007199254740992', /It must be a whole number from 0 to 9007199254740991\./],
  ['--profile netscape', /'--profile <name>' argument 'netscape' is invalid\. Allowed choices are default, github/],
  ['--plan nowhere.ndjson', /nowhere\.ndjson: cannot be read \(ENOENT\)/],
  [`--plan ${written('plan.txt', 'x\n')}`, /plan\.txt: line 1: is not JSON/],
  ['--record-plan /nowhere/plan', /ENOENT/],
  ['--config nowhere.yaml', /nowhere\.yaml: cannot be read \(ENOENT\)/],
  [`--config ${written('open.yaml', 'faults: [\n')}`, /open\.yaml:2: Flow sequence/],
  [
    `--config ${written('wrong.yaml', 'auth:\n  tokenTtlSeconds: 0\n')}`,
    /wrong\.yaml:2: auth\.tokenTtlSeconds: Too small/,
  ],
  [
    `--config ${written('wrong.json', '{\n"latency": {\n"minMs": 5}}')}`,
    /wrong\.json:3: latency\.minMs: must not exceed maxMs/,
  ],
  ['--host 0.0.0.0', /host 0\.0\.0\.0 can be reached from other machines, which needs an admin token: --admin-token/],
  ['--host :: --admin-token short', /admin token must be at least 16 characters/],
  ['--host 203.0.113.1 --admin-token random', /--host is no address of this machine \(EADDRNOTAVAIL\)/],
  ['--scenario netscape', /'--scenario <id>' argument 'netscape' is invalid\. Allowed choices are auth\//],
  ['--scenario wire/hang --profile x', /'--scenario <id>' cannot be used with option '--profile <name>'/],
  ['--output xml', /'--output <form>' argument 'xml' is invalid\. Allowed choices are text, json\./],
  ['--watch', /--watch needs --config <file> to watch/],
  ['now', /too many arguments for 'serve'\. Expected 0 arguments but got 1: now; there is: --port/],
  ['-x', /unknown option '-x'; there is: --port/],
])('refuses serve %s in one line', async (args, reason) => {
  const { code, out, error } = await runHere(`serve ${args}`);

  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(error).toMatch(/^fake-provider: .+\n$/);
  expect(error).toMatch(reason);
});

it.each(['--help', 'serve --help', 'help'])('explains itself on stdout when asked %s', async (args) => {
  expect(await runHere(args)).toMatchObject({
    code: 0,
    out: expect.stringContaining('Usage: fake-provider'),
    error: '',
  });
});

it('prints a URL that answers, and the command that does the same again', async () => {
  const { out, server } = await runHere('serve --port 0');
  const [, url] = /^Listening on (\S+)\nSame again: fake-provider serve --seed 1\n$/.exec(out)!;

  expect((await fetch(`${url}/items`)).status).toBe(401);
  await server!.close();
});

it('lets --seed override the configuration', async () => {
  const page = async (args: string): Promise<string> => {
    const { server } = await runHere(`serve --port 0 ${args}`);
    const { data } = await (await fetch(`${server!.url}/items?limit=5`)).json();
    await server!.close();
    return data.map(({ name }: { name: string }) => name).join();
  };
  const [one, two] = [written('one.yaml', 'auth: false\nseed: 1\n'), written('two.yaml', 'auth: false\nseed: 2\n')];

  expect(await page(`--config ${one} --seed 2`)).toBe(await page(`--config ${two}`));
  expect(await page(`--config ${one}`)).not.toBe(await page(`--config ${two}`));
});

it('behaves as the platform that --profile names, whatever the configuration says of its own', async () => {
  const config = written('three.yaml', 'profile: default\nauth: false\nresources: { issues: { records: 3 } }\n');
  const { out, server } = await runHere(`serve --port 0 --profile github --config ${config}`);

  expect(out).toContain(`fake-provider serve --profile github --config ${config} --seed 1\n`);
  const { headers } = await fetch(`${server!.url}/repos/me/it/issues`);
  expect(headers.get('x-ratelimit-limit')).toBe('5000');
  await server!.close();
});

it('writes down the faults it delivers, and delivers them again', async () => {
  const plan = join(folder, 'plan.ndjson');
  const config = written('faults.yaml', 'auth: false\nfaults: [{ fault: unavailable, on: { ratio: 0.5 } }]\n');
  const calm = written('calm.yaml', 'auth: false\n');
  const statuses = async (args: string): Promise<number[]> => {
    const { server } = await runHere(`serve --port 0 ${args}`);
    const all: number[] = [];
    for (let count = 0; count < 12; count += 1) all.push((await fetch(`${server!.url}/items`)).status);
    await server!.close();
    return all;
  };
  const met = await statuses(`--config ${config} --record-plan ${plan}`);

  expect(new Set(met)).toEqual(new Set([200, 503]));
  expect(await statuses(`--config ${calm} --plan ${plan}`)).toEqual(met);
});

it('writes one line for each request, without its query', async () => {
  const config = written(
    'log.yaml',
    'auth: false\nclock: manual\nfaults: [{ fault: unavailable, on: { calls: [2] } }]\n',
  );
  const { lines, server } = await runHere(`serve --port 0 --config ${config}`);
  await fetch(`${server!.url}/items?limit=1&secret=hush`);
  await fetch(`${server!.url}/items`);
  await fetch(`${server!.url}/__admin/health`);

  expect(lines().slice(2)).toEqual([
    '1 2026-01-01T00:00:00.000Z anonymous GET /items 200',
    '2 2026-01-01T00:00:00.000Z anonymous GET /items 503 unavailable',
  ]);
  await server!.close();
});

it('keeps quiet when told to', async () => {
  const { lines, server } = await runHere('serve --port 0 --quiet');
  await fetch(`${server!.url}/items`);

  expect(lines()).toHaveLength(2);
  await server!.close();
});

it('writes for programs, too', async () => {
  const { lines, server } = await runHere('serve --port 0 --output json --scenario wire/hang --seed 7');
  await fetch(`${server!.url}/items`, { method: 'HEAD' });
  const [listening, request] = lines().map((line) => JSON.parse(line));

  expect(listening).toEqual({
    type: 'listening',
    url: server!.url,
    seed: 7,
    replay: 'fake-provider serve --scenario wire/hang --seed 7',
  });
  expect(request).toMatchObject({ type: 'request', sequence: 1, method: 'HEAD', path: '/items' });
  await server!.close();
});

it('prints the admin token it makes, and asks for it', async () => {
  const { out, server } = await runHere('serve --port 0 --host 0.0.0.0 --admin-token random');
  const [, token] = /^Admin token: (\S{36})$/m.exec(out)!;
  const url = `${server!.url.replace('0.0.0.0', '127.0.0.1')}/__admin/health`;

  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  await server!.close();
});

it('begins again when the file changes, and goes on as before when it is wrong', async () => {
  const config = written('watched.yaml', 'auth: false\nresources: { items: { records: 1 } }\n');
  const { errors, lines, server } = await runHere(`serve --port 0 --config ${config} --watch --quiet`);
  const count = async (): Promise<number> => (await (await fetch(`${server!.url}/items`)).json()).data.length;
  expect(await count()).toBe(1);

  written('watched.yaml', 'auth: false\nresources: { items: { records: 2 } }\n');
  await vi.waitFor(() => expect(lines()).toContain(`Begun again by ${config}`), 5_000);
  expect(await count()).toBe(2);

  written('watched.yaml', 'auth: maybe\n');
  await vi.waitFor(() => expect(errors()).toMatch(/watched\.yaml:1: auth: must be .+; going on as before\n$/), 5_000);
  expect(await count()).toBe(2);
  await server!.close();
});

it.each(Object.entries(lists))('lists %s with one line each', async (name, { entries }) => {
  const { code, out, error } = await runHere(name);
  const rows = out.trimEnd().split('\n');

  expect({ code, error }).toEqual({ code: 0, error: '' });
  expect(rows).toHaveLength(entries.length);
  for (const row of rows) expect(row).toMatch(/^\S+ {2,}\S.+$/);
  expect(JSON.parse((await runHere(`${name} --output json`)).out)).toEqual(entries);
});

it('says whether a configuration is valid', async () => {
  const good = written('good.yaml', '$schema: ./schema.json\nprofile: stripe\n');
  const wrong = written(
    'bad.yaml',
    'seed: 1\nlimits:\n  - { kind: quota, name: day, with: { limit: -1, period: day } }\n',
  );

  expect(await runHere(`validate ${good}`)).toMatchObject({ code: 0, out: `${good}: valid\n`, error: '' });
  expect(await runHere(`validate ${wrong}`)).toMatchObject({
    code: 2,
    out: '',
    error: expect.stringMatching(/^fake-provider: .+bad\.yaml:3: limits\[0\]\.with\.limit: Too small/),
  });
  expect(await runHere('validate')).toMatchObject({ code: 2, error: expect.stringContaining("argument 'file'") });
});

it('prints the JSON Schema by which an editor checks a configuration', async () => {
  const schema = JSON.parse((await runHere('schema')).out);
  const { success } = z.fromJSONSchema(schema).safeParse({ $schema: 'x', profile: 'github', auth: false });

  expect(schema).toEqual(configJsonSchema());
  expect(success).toBe(true);
  expect(z.fromJSONSchema(schema).safeParse({ profile: 'netscape' }).success).toBe(false);
  expect(z.fromJSONSchema(schema).safeParse({ limitz: [] }).success).toBe(false);
});

it.each(scenarios.map(({ id, config }) => [id, config] as const))(
  'finds the configuration of %s valid by that schema',
  (_id, config) => {
    expect(z.fromJSONSchema(configJsonSchema() as never).safeParse(config)).toMatchObject({ success: true });
  },
);

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** Runs the command line in this process. */
async function runHere(args: string) {
  const [out, error]: string[][] = [[], []];
  const { exitCode: code, server } = await main(words(args), {
    out: (text) => void out!.push(text),
    error: (text) => void error!.push(text),
  });
  return {
    ...{ code, server, out: out!.join(''), error: error!.join('') },
    lines: () => out!.join('').trimEnd().split('\n'),
    errors: () => error!.join(''),
  };
}

/** Runs it as a process of its own. */
const run = (args: string) => outcomeOf(start(args));

function start(args: string): ChildProcessByStdio<null, Readable, Readable> {
  const bin = join(import.meta.dirname, 'bin.ts');
  return spawn(process.execPath, [bin, ...words(args)], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function outcomeOf(child: ReturnType<typeof start>) {
  const [[code], out, error] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code, out, error };
}

function words(args: string): string[] {
  return args.split(' ').filter((word) => word !== '');
}
