import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { main } from './cli.ts';
import { sha256Of } from './registry.ts';

const temporary = mkdtempSync(join(tmpdir(), 'steadfetch-'));
afterAll(() => rmSync(temporary, { recursive: true }));

let folder: string;
let registry: string;
beforeEach(() => {
  folder = mkdtempSync(join(temporary, 'project-'));
  registry = mkdtempSync(join(temporary, 'registry-'));
  publish('wait', '1.0.0', WAIT);
  publish('pace', '1.0.0', 'export const pace = 1;\n');
});

const WAIT = `/** Waits. */
export function wait(ms = 100) {
  return sleep(ms);
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
`;
const COMMANDS = 'there is: add, list, info, diff, update, -V, --version (try --help)';
const ADD = 'there is: --registry <url>, --js, --dir <folder>, --overwrite (try --help)';

describe('as a command of its own, in an empty folder', { timeout: 30_000 }, () => {
  it('copies a file, shows an edit to it, and keeps the edit in an update', async () => {
    const added = await run('add', 'wait');
    expect(added).toEqual({
      code: 0,
      out: 'src/patterns/wait.ts: @steadfetch/wait 1.0.0, MIT licence\nRemembered in steadfetch.lock.json; commit it, and steadfetch update keeps your edits.\n',
      error: '',
    });
    expect(yours('wait.ts')).toBe(`// wait 1.0.0\n${WAIT}`);

    edit('wait.ts', 'ms = 100', 'ms = 250');
    const differing = await run('diff');
    expect(differing).toMatchObject({ code: 1, error: '' });
    expect(differing.out).toContain('-export function wait(ms = 100) {\n+export function wait(ms = 250) {\n');

    publish('wait', '1.1.0', WAIT.replace('setTimeout(resolve, ms)', 'setTimeout(resolve, Math.max(0, ms))'));
    expect(await run('update')).toEqual({
      code: 0,
      out: 'src/patterns/wait.ts: from wait 1.0.0 to 1.1.0, merged with your edits\n',
      error: '',
    });
    expect(yours('wait.ts')).toBe(
      `// wait 1.1.0\n${WAIT.replace('ms = 100', 'ms = 250').replace('resolve, ms)', 'resolve, Math.max(0, ms))')}`,
    );
  });

  it('refuses what it does not know with one line on stderr', async () => {
    expect(await run('add', 'wate')).toEqual({
      code: 2,
      out: '',
      error: 'steadfetch: there is no pattern wate; there is: pace, wait\n',
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it.each([
  [[], `a command is missing; ${COMMANDS}`],
  [['ad'], `unknown command 'ad'; ${COMMANDS}`],
  [['add'], "missing required argument 'pattern'; try steadfetch list"],
  [['add', 'wait', '--force'], `unknown option '--force'; ${ADD}`],
  [['add', '../wait'], 'there is no pattern ../wait; there is: pace, wait'],
  [['add', 'wait-js'], 'there is no pattern wait-js; there is: pace, wait'],
  [['add', 'wait', '--dir', '../there'], '--dir must lead to a folder inside this one, got ../there'],
  [
    ['info', 'wait', 'pace'],
    "too many arguments for 'info'. Expected 1 argument but got 2: wait, pace; there is: --registry <url>, --output <form> (try --help)",
  ],
  [['list', '--output', 'xml'], "option '--output <form>' argument 'xml' is invalid. Allowed choices are text, json."],
  [
    ['list', '--registry', 'ftp://x'],
    '--registry must be a URL that begins with http:// or https://, or a folder, got ftp://x',
  ],
  [['diff'], 'steadfetch.lock.json names no file; copy one with steadfetch add <pattern>'],
])('refuses %j with exit code 2 and in one line', async (args, reason) => {
  expect(await runHere(...args)).toEqual({ code: 2, out: '', error: `steadfetch: ${reason}\n` });
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['not JSON', '{', 'steadfetch.lock.json: is not JSON'],
  ['of another format', '{"format":2,"files":{}}', 'steadfetch.lock.json: format: '],
  ['that leads outside', lockText('../wait.ts'), 'steadfetch.lock.json: files: ../wait.ts is outside this folder'],
  [
    'that names what is gone',
    lockText('wait.ts'),
    'wait.ts is gone; copy it again, or take it out of steadfetch.lock.json',
  ],
])('refuses a lock file %s', async (_what, content, reason) => {
  writeFileSync(join(folder, 'steadfetch.lock.json'), content);

  const { code, error } = await runHere('update');
  expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(`steadfetch: ${reason}`) });
});

describe('add', () => {
  it('copies as many as it is told, as JavaScript and elsewhere', async () => {
    await runHere('add', 'wait', 'pace', 'wait', '--js', '--dir', 'lib/steady');

    expect(readdirSync(join(folder, 'lib/steady'))).toEqual(['pace.js', 'wait.js']);
    expect(Object.entries(lock())).toEqual([
      ['lib/steady/pace.js', { item: 'pace-js', version: '1.0.0', sha256: expect.any(String) }],
      ['lib/steady/wait.js', { item: 'wait-js', version: '1.0.0', sha256: sha256Of(`// wait-js 1.0.0\n${WAIT}`) }],
    ]);
  });

  it('copies nothing where one of them would overwrite an edit, unless it is told to', async () => {
    await runHere('add', 'wait');
    edit('wait.ts', 'Waits.', 'Waits long.');

    expect(await runHere('add', 'pace', 'wait')).toEqual({
      code: 2,
      out: '',
      error:
        'steadfetch: src/patterns/wait.ts is there already; steadfetch update keeps its edits, and --overwrite loses them\n',
    });
    expect(yours('wait.ts')).toContain('Waits long.');
    expect(existsSync(join(folder, 'src/patterns/pace.ts'))).toBe(false);

    expect(await runHere('add', 'wait', '--overwrite')).toMatchObject({ code: 0 });
    expect(yours('wait.ts')).toContain('Waits.');
  });

  it('copies what else a package has, together with the pattern where it imports that', async () => {
    publish('wait', '1.0.0', WAIT, 'store');
    publish('pace', '1.0.0', 'export const store = 1;\n', 'alone');

    expect((await runHere('add', 'wait/store')).out).toBe(
      'src/patterns/wait-store.ts: @steadfetch/wait 1.0.0, MIT licence\nsrc/patterns/wait.ts: @steadfetch/wait 1.0.0, MIT licence\nRemembered in steadfetch.lock.json; commit it, and steadfetch update keeps your edits.\n',
    );
    await runHere('add', 'pace/alone', 'wait/store', '--js');
    expect(readdirSync(join(folder, 'src/patterns')).sort()).toEqual(
      ['pace-alone.js', 'wait-store.js', 'wait-store.ts', 'wait.js', 'wait.ts'].sort(),
    );
    expect(Object.entries(lock()).map(([path, { item }]) => `${path} ${item}`)).toEqual([
      'src/patterns/pace-alone.js pace/alone-js',
      'src/patterns/wait-store.js wait/store-js',
      'src/patterns/wait-store.ts wait/store',
      'src/patterns/wait.js wait-js',
      'src/patterns/wait.ts wait',
    ]);
  });

  it('leaves a pattern that is there already as it is, edits and all', async () => {
    publish('wait', '1.0.0', WAIT, 'store');
    await runHere('add', 'wait');
    edit('wait.ts', 'Waits.', 'Waits long.');

    expect(await runHere('add', 'wait/store')).toMatchObject({ code: 0, error: '' });
    expect(yours('wait.ts')).toContain('Waits long.');
    expect(lock()['src/patterns/wait.ts']).toMatchObject({ sha256: sha256Of(`// wait 1.0.0\n${WAIT}`) });
  });

  it('is content with what is there already', async () => {
    await runHere('add', 'wait');

    expect(await runHere('add', 'wait')).toMatchObject({ code: 0, error: '' });
  });
});

describe('diff', () => {
  it('finds nothing where nothing differs', async () => {
    await runHere('add', 'wait', 'pace');

    expect(await runHere('diff', 'wait')).toEqual({
      code: 0,
      out: 'src/patterns/wait.ts: no edits to wait 1.0.0\nsrc/patterns/wait.ts: wait 1.0.0 is the newest\n',
      error: '',
    });
  });

  it('compares with the newest version too', async () => {
    await runHere('add', 'wait');
    publish('wait', '2.0.0', WAIT.replace('Waits.', 'Waits, and rests.'));

    const { code, out } = await runHere('diff');
    expect(code).toBe(1);
    expect(out).toContain('src/patterns/wait.ts: no edits to wait 1.0.0\nsrc/patterns/wait.ts: to wait 2.0.0\n');
    expect(out).toContain('-// wait 1.0.0\n-/** Waits. */\n+// wait 2.0.0\n+/** Waits, and rests. */\n');
  });

  it('refuses a pattern that was not copied', async () => {
    await runHere('add', 'wait');

    expect((await runHere('diff', 'pace')).error).toBe(
      'steadfetch: pace was not copied, says steadfetch.lock.json; there is: wait\n',
    );
  });

  it.each<[string, () => void, string]>([
    [
      'has it no more',
      () => rmSync(join(registry, 'wait@1.0.0.json')),
      'came from wait 1.0.0, which this registry does not have',
    ],
    [
      'calls another by its name',
      () => publish('wait', '1.0.0', `${WAIT}// Other.\n`),
      'came from another wait 1.0.0 than this registry has',
    ],
  ])('refuses to compare with a version where the registry %s', async (_what, change, reason) => {
    await runHere('add', 'wait');
    change();
    publish('wait', '2.0.0', WAIT);

    expect(await runHere('diff')).toMatchObject({ code: 2, error: expect.stringContaining(reason) });
  });
});

describe('update', () => {
  it('marks what both changed, says so with exit code 1, and waits until it is resolved', async () => {
    await runHere('add', 'wait');
    edit('wait.ts', 'ms = 100', 'ms = 250');
    publish('wait', '2.0.0', WAIT.replace('ms = 100', 'ms = 50'));

    expect(await runHere('update')).toEqual({
      code: 1,
      out: 'src/patterns/wait.ts: from wait 1.0.0 to 2.0.0, 1 conflict with your edits, marked by <<<<<<<; resolve them\n',
      error: '',
    });
    expect(yours('wait.ts')).toBe(
      `// wait 2.0.0\n${WAIT.replace(
        'export function wait(ms = 100) {\n',
        `<<<<<<< yours
export function wait(ms = 250) {
=======
export function wait(ms = 50) {
>>>>>>> wait 2.0.0
`,
      )}`,
    );

    publish('wait', '2.1.0', `${WAIT.replace('ms = 100', 'ms = 50')}// More.\n`);
    expect(await runHere('update')).toMatchObject({ code: 1, out: expect.stringContaining('still to be resolved') });
    writeFileSync(join(folder, 'src/patterns/wait.ts'), yours('wait.ts').replace(/<{7}.*\n|={7}\n.*\n>{7}.*\n/g, ''));
    expect(await runHere('update')).toMatchObject({
      code: 0,
      out: expect.stringContaining('from wait 2.0.0 to 2.1.0'),
    });
    expect(yours('wait.ts')).toBe(`// wait 2.1.0\n${WAIT.replace('ms = 100', 'ms = 250')}// More.\n`);
  });

  it('marks each conflict by itself, in the line ends of the file, and leaves it so until the last is resolved', async () => {
    await runHere('add', 'wait');
    const windows = (text: string) => text.replaceAll('\n', '\r\n');
    const edited = `// wait 1.0.0\n${WAIT.replace('ms = 100', 'ms = 250').replace('resolve, ms)', 'resolve, ms * 2)')}`;
    writeFileSync(join(folder, 'src/patterns/wait.ts'), windows(edited));
    publish('wait', '2.0.0', WAIT.replace('ms = 100', 'ms = 50').replace('resolve, ms)', 'resolve, ms + 1)'));

    expect((await runHere('update')).out).toContain('to 2.0.0, 2 conflicts with your edits, marked by <<<<<<<');
    const marked = (own: string, other: string) => `<<<<<<< yours\n${own}\n=======\n${other}\n>>>>>>> wait 2.0.0`;
    const both = `// wait 2.0.0\n${WAIT}`
      .replace(
        'export function wait(ms = 100) {',
        marked('export function wait(ms = 250) {', 'export function wait(ms = 50) {'),
      )
      .replace(
        '  return new Promise((resolve) => setTimeout(resolve, ms));',
        marked(
          '  return new Promise((resolve) => setTimeout(resolve, ms * 2));',
          '  return new Promise((resolve) => setTimeout(resolve, ms + 1));',
        ),
      );
    expect(yours('wait.ts')).toBe(windows(both));

    writeFileSync(join(folder, 'src/patterns/wait.ts'), yours('wait.ts').replace(/<{7}[\s\S]*?>{7}.*\r\n/, ''));
    const half = yours('wait.ts');
    publish('wait', '2.1.0', WAIT);
    expect(await runHere('update')).toEqual({
      code: 1,
      out: 'src/patterns/wait.ts: 1 conflict of the last update still to be resolved; left as it is\n',
      error: '',
    });
    expect(yours('wait.ts')).toBe(half);
  });

  it('finds no conflict where both changed the same to the same', async () => {
    await runHere('add', 'wait');
    edit('wait.ts', 'ms = 100', 'ms = 50');
    publish('wait', '2.0.0', WAIT.replace('ms = 100', 'ms = 50'));

    expect(await runHere('update')).toMatchObject({ code: 0, out: expect.stringContaining('merged with your edits') });
    expect(yours('wait.ts')).toBe(`// wait 2.0.0\n${WAIT.replace('ms = 100', 'ms = 50')}`);
  });

  it('takes the newest where there are no edits, and says where there is none', async () => {
    await runHere('add', 'wait', 'pace');
    publish('wait', '1.0.1', `${WAIT}\n`);

    expect((await runHere('update')).out).toBe(
      'src/patterns/pace.ts: pace 1.0.0 is the newest\nsrc/patterns/wait.ts: from wait 1.0.0 to 1.0.1\n',
    );
    expect(yours('wait.ts')).toBe(`// wait 1.0.1\n${WAIT}\n`);
    expect(lock()['src/patterns/wait.ts']).toMatchObject({ version: '1.0.1', sha256: sha256Of(yours('wait.ts')) });
  });

  it('merges what else a package has like the pattern itself, and shows its differences', async () => {
    publish('wait', '1.0.0', WAIT, 'store');
    await runHere('add', 'wait/store');
    edit('wait-store.ts', 'ms = 100', 'ms = 250');
    publish('wait', '1.1.0', `${WAIT}// More.\n`, 'store');

    const { out } = await runHere('diff', 'wait/store');
    expect(out).toContain('src/patterns/wait-store.ts: your edits to wait/store 1.0.0\n');
    expect(out).not.toContain('src/patterns/wait.ts');
    expect((await runHere('update', 'wait/store')).out).toBe(
      'src/patterns/wait-store.ts: from wait/store 1.0.0 to 1.1.0, merged with your edits\n',
    );
    expect(yours('wait-store.ts')).toBe(`// wait/store 1.1.0\n${WAIT.replace('ms = 100', 'ms = 250')}// More.\n`);
  });

  it('writes nothing in a dry run', async () => {
    await runHere('add', 'wait');
    publish('wait', '1.0.1', `${WAIT}\n`);

    expect((await runHere('update', '--dry-run')).out).toBe('src/patterns/wait.ts: from wait 1.0.0 to 1.0.1\n');
    expect(yours('wait.ts')).toBe(`// wait 1.0.0\n${WAIT}`);
    expect(lock()['src/patterns/wait.ts']!.version).toBe('1.0.0');
  });

  it('wants back no first line that was taken out, and keeps line ends', async () => {
    await runHere('add', 'wait');
    const windows = `${WAIT.replace('ms = 100', 'ms = 250')}`.replaceAll('\n', '\r\n');
    writeFileSync(join(folder, 'src/patterns/wait.ts'), windows);
    publish('wait', '1.1.0', `${WAIT}\nexport const more = 1;\n`);

    expect(await runHere('update')).toMatchObject({ code: 0, out: expect.stringContaining('merged with your edits') });
    expect(yours('wait.ts')).toBe(`${windows}\r\nexport const more = 1;\r\n`);
  });
});

it('tells of a pattern what must be known before', async () => {
  expect((await runHere('info', 'wait')).out).toBe(`Wait: Waits.
@steadfetch/wait 1.0.0, MIT licence; resilience, stable

Use it when:
- There is time.

Do not use it when:
- There is none.

When things fail:
- an abort: stops

steadfetch add wait
Read on.
`);
  expect(JSON.parse((await runHere('info', 'wait', '--output', 'json')).out)).toMatchObject({
    title: 'Wait',
    version: '1.0.0',
  });
});

it('lists and tells of what else a package has', async () => {
  publish('wait', '1.0.0', WAIT, 'store');

  expect((await runHere('list')).out).toBe('pace        Waits.\nwait        Waits.\nwait/store  Waits.\n');
  expect((await runHere('info', 'wait')).out).toContain('\nFrom the same package:\n- wait/store: Waits.\n');
  const { out } = await runHere('info', 'wait/store');
  expect(out).toContain('\nFrom the same package:\n- wait: Waits.\n\nsteadfetch add wait/store\n');
  expect((await runHere('add', 'wait/stor')).error).toBe(
    'steadfetch: there is no pattern wait/stor; there is: pace, wait, wait/store\n',
  );
});

it('lists the patterns, once each', async () => {
  expect((await runHere('list')).out).toBe('pace  Waits.\nwait  Waits.\n');
  expect(JSON.parse((await runHere('list', '--output', 'json')).out)).toEqual([
    { name: 'pace', description: 'Waits.', version: '1.0.0', category: 'resilience', status: 'stable' },
    { name: 'wait', description: 'Waits.', version: '1.0.0', category: 'resilience', status: 'stable' },
  ]);
});

it.each(['--help', 'add --help', 'help'])('explains itself on stdout when asked %s', async (args) => {
  expect(await runHere(...args.split(' '))).toMatchObject({
    code: 0,
    out: expect.stringContaining('Usage: steadfetch'),
  });
});

describe('a registry over HTTP', () => {
  it('gives the same as one in a folder', async () => {
    const server = createServer(({ url = '' }, response) => {
      const file = join(registry, decodeURIComponent(url.replace('/r/', '')));
      response.writeHead(existsSync(file) ? 200 : 404).end(existsSync(file) ? readFileSync(file) : '');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/r/registry.json`;
    await runHere('add', 'wait', '--registry', url);
    const first = yours('wait.ts');
    publish('wait', '1.1.0+0a1b2c3d', `${WAIT}\n`);
    publish('wait', '1.2.0', `${WAIT}\n\n`);

    const { out } = await runHere('update', '--registry', url);
    server.close();
    expect(first).toBe(`// wait 1.0.0\n${WAIT}`);
    expect(out).toBe('src/patterns/wait.ts: from wait 1.0.0 to 1.2.0\n');
  });

  it('that does not answer is named, with the reason', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const place = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, 'close');

    expect(await runHere('list', '--registry', place)).toEqual({
      code: 3,
      out: '',
      error: `steadfetch: ${place}/registry.json: cannot be read (ECONNREFUSED)\n`,
    });
  });

  it.each<[string, (answer: string) => [status: number, body: string], string]>([
    ['is not there', () => [404, ''], 'there is no registry at http://'],
    ['fails', () => [503, ''], '/registry.json: cannot be read (answered 503)'],
    ['is a page', () => [200, '<html>'], '/registry.json: is not JSON'],
    ['is something else', () => [200, '{"items":[{}]}'], '/registry.json: items.0.name: '],
    [
      'was tampered with',
      (answer) => [200, answer.replace('setTimeout', 'setTimeuot')],
      '/wait.json: meta.sha256: its file is another than it says',
    ],
  ])('that %s copies nothing', async (_what, change, reason) => {
    const server = createServer(({ url = '' }, response) => {
      const [status, body] = change(readFileSync(join(registry, url), 'utf8'));
      response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');

    const place = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, error } = await runHere('add', 'wait', '--registry', place);
    server.close();
    expect({ code, error }).toEqual({ code: 3, error: expect.stringContaining(reason) });
    expect(error).toMatch(/^steadfetch: [^\n]+\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Puts a version of a pattern, or of an entry of it, into the registry, in both languages, as the newest. */
function publish(pattern: string, version: string, code: string, entry?: string): void {
  const list = join(registry, 'registry.json');
  const { items } = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : { items: [] };
  const others = items.filter(({ meta }: { meta: Meta }) => meta.name !== pattern || meta.entry !== entry);
  mkdirSync(join(registry, pattern), { recursive: true });
  const own = ['', '-js'].map((suffix) => {
    const name = `${pattern}${entry === undefined ? '' : `/${entry}`}${suffix}`;
    const content = `// ${name} ${version}\n${code}`;
    const item = {
      ...{ name, title: 'Wait', description: 'Waits.', docs: 'Read on.', files: [{ content }] },
      meta: {
        ...(entry === undefined ? {} : { entry, needs: entry === 'alone' ? [] : [`${pattern}${suffix}`] }),
        ...{ name: pattern, version, license: 'MIT', packageName: `@steadfetch/${pattern}`, sha256: sha256Of(content) },
        pattern: {
          ...{
            category: 'resilience',
            status: 'stable',
            useWhen: ['There is time.'],
            doNotUseWhen: ['There is none.'],
          },
          ...{ failureModes: [{ cause: 'an abort', behaviour: 'stops' }], alternatives: [] },
        },
      },
    };
    for (const file of [name, `${name}@${version}`])
      writeFileSync(join(registry, `${file}.json`), JSON.stringify(item));
    return item;
  });
  const sorted = [...others, ...own].sort((one, other) => (one.name < other.name ? -1 : 1));
  writeFileSync(list, JSON.stringify({ items: sorted }));
}

interface Meta {
  readonly name: string;
  readonly entry?: string;
}

function lockText(path: string): string {
  const entry = { item: 'wait', version: '1.0.0', sha256: sha256Of('') };
  return JSON.stringify({ format: 1, files: { [path]: entry } });
}

function lock(): Record<string, { item: string; version: string; sha256: string }> {
  return JSON.parse(readFileSync(join(folder, 'steadfetch.lock.json'), 'utf8')).files;
}

function yours(file: string): string {
  return readFileSync(join(folder, 'src/patterns', file), 'utf8');
}

function edit(file: string, from: string, to: string): void {
  mkdirSync(join(folder, 'src/patterns'), { recursive: true });
  writeFileSync(join(folder, 'src/patterns', file), yours(file).replace(from, to));
}

function withRegistry(args: readonly string[]): string[] {
  return args.length === 0 || args.includes('--registry') || args[0] === 'ad' || /help/.test(args.join(' '))
    ? [...args]
    : [...args, '--registry', registry];
}

/** Runs the command line in this process. */
async function runHere(...args: string[]) {
  let [out, error] = ['', ''];
  const code = await main(withRegistry(args), {
    folder,
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

/** Runs it as a process of its own. */
async function run(...args: string[]) {
  const bin = join(import.meta.dirname, 'bin.ts');
  const child = spawn(process.execPath, [bin, ...withRegistry(args)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [[code], out, error] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code, out, error };
}
