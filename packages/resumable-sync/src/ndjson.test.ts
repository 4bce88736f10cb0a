import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NdjsonError, ndjsonSink } from './ndjson.ts';
import type { Checkpoint, SyncRecord } from './resumable-sync.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'steadfetch-'));
  file = join(folder, 'users.ndjson');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('loses and doubles nothing, wherever the file was torn', async () => {
  const whole = await goOn();
  expect(records().map(({ id, version }) => `${id} ${version}`)).toEqual(['a v1', 'b v1', 'a v2']);

  for (let bytes = 0; bytes < whole.length; bytes += 1) {
    writeFileSync(file, whole.subarray(0, bytes));
    expect((await goOn()).equals(whole), `torn after ${bytes} bytes`).toBe(true);
  }
});

it('goes on where its first line was torn, within a letter too', async () => {
  const source = 'zürich 🎈';
  await ndjsonSink(file).commit(source, [record('a', 'v1')], checkpoint(1), undefined);
  const whole = readFileSync(file);

  for (let bytes = 1; bytes <= whole.indexOf('\n'); bytes += 1) {
    writeFileSync(file, whole.subarray(0, bytes));
    const sink = ndjsonSink(file);
    expect(await sink.load(source), `torn after ${bytes} bytes`).toBeUndefined();
    await sink.commit(source, [record('a', 'v1')], checkpoint(1), undefined);
    expect(readFileSync(file).equals(whole)).toBe(true);
  }
});

it('cuts off a torn line, and what no whole page holds, as soon as it loads', async () => {
  const sink = ndjsonSink(file);
  await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);
  const whole = readFileSync(file, 'utf8');
  appendFileSync(file, '{"id":"b","version":"v1"}\n{"id":"c","ver');

  expect(await ndjsonSink(file).load('users')).toEqual(checkpoint(1));

  expect(readFileSync(file, 'utf8')).toBe(whole);
});

it('cuts off a last page whose lines are not what it was closed over, as a power cut may leave it', async () => {
  const sink = ndjsonSink(file);
  await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);
  await sink.commit('users', [record('b', 'v1')], checkpoint(2), checkpoint(1));
  writeFileSync(file, readFileSync(file, 'utf8').replace('{"id":"b"', '\0\0\0\0\0\0\0\0\0'));

  expect(await ndjsonSink(file).load('users')).toEqual(checkpoint(1));
  expect(records()).toEqual([{ id: 'a', version: 'v1' }]);
});

it('adds, changes, and leaves what is the same, in another process too', async () => {
  const first = [record('a', 'v1'), record('b', 'v1')];
  expect(await ndjsonSink(file).commit('users', first, checkpoint(1), undefined)).toEqual({ added: 2, changed: 0 });
  const sink = ndjsonSink(file);

  const landed = await sink.commit(
    'users',
    [record('a', 'v2'), record('b', 'v1'), record('c', 'v1')],
    checkpoint(2),
    checkpoint(1),
  );
  const again = await sink.commit('users', [record('a', 'v2'), record('a2', 'v1')], checkpoint(3), checkpoint(2));

  expect([landed, again]).toEqual([
    { added: 1, changed: 1 },
    { added: 1, changed: 0 },
  ]);
  expect(records().map(({ id, version }) => `${id} ${version}`)).toEqual(['a v1', 'b v1', 'a v2', 'c v1', 'a2 v1']);
  expect(await sink.load('users')).toEqual(checkpoint(3));
});

it('has nothing to load where there is no file, and makes none', async () => {
  expect(await ndjsonSink(file).load('users')).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});

it('knows its own lines from a record that looks like one, and takes any text', async () => {
  const item = { $sync: { source: 'users' }, id: 'a', text: 'one\ntwo\u2028three\0' };
  await ndjsonSink(file).commit('users', [{ id: 'a', hash: 'h', item }], checkpoint(1), undefined);

  expect(await ndjsonSink(file).load('users')).toEqual(checkpoint(1));
  expect(JSON.parse(readFileSync(file, 'utf8').split('\n')[1]!)).toEqual(item);
});

it('reads lines longer than what is read at a time', async () => {
  const long = { id: 'a', hash: 'h', item: { id: 'a', text: 'x'.repeat(200_000) } };
  const many = Array.from({ length: 2_000 }, (_, nth) => record(`${nth}`, 'v1'));
  await ndjsonSink(file).commit('users', [long, ...many], checkpoint(1), undefined);

  const landed = await ndjsonSink(file).commit('users', [long, ...many], checkpoint(2), checkpoint(1));

  expect(landed).toEqual({ added: 0, changed: 0 });
});

it.each([
  ['of another source', '{"$sync":{"source":"events","version":1}}\n'],
  ['of another version', '{"$sync":{"source":"users"}}\n'],
  ['that it did not write', '{"id":"a"}\n'],
  ['that it did not write, without an end', '{"id":"a"}'],
])('leaves a file alone %s, naming file and line', async (_, text) => {
  writeFileSync(file, text);

  const failure = await Promise.resolve(ndjsonSink(file).load('users')).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(NdjsonError);
  expect(failure).toMatchObject({ name: 'NdjsonError', file, line: 1 });
  expect(`${failure}`).toContain(`${file}:1: `);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it('leaves a file alone that was edited before its last page, and names the line', async () => {
  await goOn();
  const edited = readFileSync(file, 'utf8').replace('"id":"b"', '"id":"x"');
  writeFileSync(file, edited);

  await expect(ndjsonSink(file).load('users')).rejects.toThrow(`${file}:4: the page that ends here`);

  expect(readFileSync(file, 'utf8')).toBe(edited);
});

it('writes nothing where somebody else wrote meanwhile, and reads anew the next time', async () => {
  const [one, other] = [ndjsonSink(file), ndjsonSink(file)];
  await one.load('users');
  await other.commit('users', [record('a', 'v1')], checkpoint(1), undefined);

  const { size } = statSync(file);

  await expect(one.commit('users', [record('a', 'v1')], checkpoint(1), undefined)).rejects.toThrow(
    `${file}: somebody else`,
  );

  expect(statSync(file).size).toBe(size);

  expect(await one.commit('users', [record('a', 'v1')], checkpoint(2), checkpoint(1))).toEqual({
    added: 0,
    changed: 0,
  });
  expect(records()).toHaveLength(1);
});

it('refuses a page of a sync that another overtook through the same sink, and writes nothing', async () => {
  const sink = ndjsonSink(file);
  await sink.commit('users', [record('a', 'v2')], checkpoint(1), undefined);
  const { size } = statSync(file);

  for (const page of [record('a', 'v1'), record('b', 'v1')]) {
    await expect(sink.commit('users', [page], checkpoint(1), undefined)).rejects.toThrow(`${file}: somebody else`);
  }

  expect(statSync(file).size).toBe(size);
  await sink.commit('users', [record('b', 'v1')], checkpoint(2), checkpoint(1));
});

it('keeps one source, and refuses another that it was loaded for as well', async () => {
  const sink = ndjsonSink(file);
  await sink.load('users');
  await sink.load('events');
  await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);

  await expect(sink.commit('events', [record('b', 'v1')], checkpoint(7), undefined)).rejects.toThrow(NdjsonError);

  expect(records()).toHaveLength(1);
  expect(await sink.load('users')).toEqual(checkpoint(1));
});

it.each([
  ['a file', 0],
  ['the next page', 1],
])('lands %s of only one of two that write it at once', async (_, before) => {
  await land(before);
  const sinks = [ndjsonSink(file), ndjsonSink(file)];
  for (const sink of sinks) await sink.load('users');

  const sent = sinks.map(async (sink, nth) =>
    sink.commit('users', [record('x', `${nth}`)], checkpoint(before + 1), before ? checkpoint(before) : undefined),
  );
  const settled = await Promise.allSettled(sent);

  const [landed, ...others] = settled.flatMap(({ status }, nth) => (status === 'fulfilled' ? [nth] : []));
  expect(others).toEqual([]);
  expect(await ndjsonSink(file).load('users')).toEqual(checkpoint(before + 1));
  expect(records().slice(before)).toEqual([{ id: 'x', version: `${landed}` }]);
});

it('refuses a page that another cut off while it was half written, and cuts off what arrived of it after', async () => {
  await land(2);
  const whole = readFileSync(file);
  truncateSync(file, pageEnds(whole)[0]);
  const sink = ndjsonSink(file);
  await sink.load('users');
  const { size } = statSync(file);

  // Node writes half a megabyte at a time.
  const long = { id: 'long', hash: 'v1', item: { id: 'long', text: 'x'.repeat(2 ** 21) } };
  const outcome = Promise.allSettled([sink.commit('users', [long], checkpoint(2), checkpoint(1))]);
  while (statSync(file).size === size) await new Promise((resolve) => setImmediate(resolve));
  expect(statSync(file).size).toBeLessThan(size + 2 ** 21);
  truncateSync(file, size);
  appendFileSync(file, whole.subarray(size));

  expect(await outcome).toMatchObject([
    { reason: { message: `${file}: somebody else has written to it since it was loaded` } },
  ]);
  expect(statSync(file).size).toBeGreaterThan(whole.length);
  expect(await ndjsonSink(file).load('users')).toEqual(checkpoint(2));
  expect(readFileSync(file).equals(whole)).toBe(true);
});

it.each([0, 1, 2])(
  'cuts off a page that followed page %i and arrived after page 3, torn or not, and the one it kept from its place',
  async (after) => {
    await land(3);
    const whole = readFileSync(file);
    truncateSync(file, after === 0 ? 0 : pageEnds(whole)[after - 1]);
    const { size } = statSync(file);
    await ndjsonSink(file).commit(
      'users',
      [record('late', 'v1')],
      checkpoint(9),
      after === 0 ? undefined : checkpoint(after),
    );
    const late = readFileSync(file).subarray(size);
    writeFileSync(file, whole);
    await ndjsonSink(file).commit('users', [record('refused', 'v1')], checkpoint(4), checkpoint(3));
    const refused = readFileSync(file).subarray(whole.length);

    for (let bytes = 0; bytes < late.length; bytes += 5) {
      writeFileSync(file, Buffer.concat([whole, late.subarray(bytes), refused]));
      expect(await ndjsonSink(file).load('users'), `torn after ${bytes} bytes`).toEqual(checkpoint(3));
      expect(readFileSync(file).equals(whole)).toBe(true);
    }
  },
);

it.each([
  ['taken out', () => ''],
  ['closed otherwise', (page: string) => page.replace('"pages":2', '"pages":3')],
])('leaves a file alone in which a page was %s that others follow', async (_, edit) => {
  await land(3);
  const whole = readFileSync(file, 'utf8');
  const [from, to] = pageEnds(readFileSync(file));
  const edited = whole.slice(0, from) + edit(whole.slice(from, to)) + whole.slice(to);
  writeFileSync(file, edited);

  await expect(ndjsonSink(file).load('users')).rejects.toThrow('the page that ends here');

  expect(readFileSync(file, 'utf8')).toBe(edited);
});

it('refuses a page where the file is another by now, of the same size', async () => {
  await land(1);
  const sink = ndjsonSink(file);
  await sink.load('users');
  const other = readFileSync(file);
  rmSync(file);
  await ndjsonSink(file).commit('users', [record('1', 'v2')], checkpoint(1), undefined);
  expect(statSync(file).size).toBe(other.length);

  await expect(sink.commit('users', [record('2', 'v1')], checkpoint(2), checkpoint(1))).rejects.toThrow(
    'somebody else',
  );
});

it('cuts off nothing that somebody completes while it loads, in whichever turn', async () => {
  await land(2);
  const whole = readFileSync(file);
  const torn = whole.subarray(0, -30);

  for (let [turns, isTorn] = [0, true]; isTorn; turns += 1) {
    writeFileSync(file, torn);
    const loading = Promise.resolve(ndjsonSink(file).load('users')).catch((error: Error) => error.message);
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    isTorn = statSync(file).size === torn.length;
    if (isTorn) appendFileSync(file, whole.subarray(-30));

    const loaded = await loading;
    if (!isTorn) continue;
    expect([checkpoint(2), `${file}: somebody else is writing to it`]).toContainEqual(loaded);
    expect(readFileSync(file).equals(whole), `after ${turns} turns`).toBe(true);
  }
});

/** Commits so many pages of one record each. */
async function land(pages: number): Promise<void> {
  const sink = ndjsonSink(file);
  for (let nth = 1; nth <= pages; nth += 1) {
    await sink.commit('users', [record(`${nth}`, 'v1')], checkpoint(nth), nth > 1 ? checkpoint(nth - 1) : undefined);
  }
}

/** Where its pages end. */
function pageEnds(whole: Buffer): number[] {
  const closings = whole.toString('latin1').matchAll(/^\{"\$sync":\{"records".*\n/gm);
  return Array.from(closings, ({ index, 0: line }) => index + line.length);
}

/** Commits two pages, the second with a repeat and a change, from wherever the file says. Gives back its bytes. */
async function goOn(): Promise<Buffer> {
  const pages = [
    [record('a', 'v1'), record('b', 'v1')],
    [record('b', 'v1'), record('a', 'v2')],
  ];
  const sink = ndjsonSink(file);
  let landed = await sink.load('users');
  for (const page of pages.slice(landed?.pages ?? 0)) {
    const next = checkpoint((landed?.pages ?? 0) + 1);
    await sink.commit('users', page, next, landed ?? undefined);
    landed = next;
  }
  return readFileSync(file);
}

/** The records, as any other tool would read them. */
function records(): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)).filter((value) => !('$sync' in value));
}

function record(id: string, version: string): SyncRecord<unknown> {
  return { id, hash: version, item: { id, version } };
}

function checkpoint(pages: number): Checkpoint {
  return { run: '', resume: { at: pages }, complete: false, pages, records: pages };
}
