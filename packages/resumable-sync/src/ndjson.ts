import { createHash, type Hash } from 'node:crypto';
import { createReadStream, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Checkpoint, Sink } from './resumable-sync.ts';

/**
 * Keeps one source in a file of NDJSON, to which it only ever appends: each record is a line, as it came, and a line
 * that begins with `{"$sync":` closes each page and holds its checkpoint. Makes the file where there is none.
 *
 * A page counts once its last line is there whole. What follows the last whole page, as a killed process leaves it, is
 * cut off when the file is next loaded. Each page is flushed to the disk (`fdatasync`) before it counts as landed.
 *
 * Each page names the one that it follows, and has landed only if it stands right behind it: of two processes that write
 * at once at most one lands its page, and what the other wrote is cut off like any torn page.
 *
 * A record that is there already is written only if its content is another: the last line of an id is the newest. To
 * know that, loading reads the file through once, as a stream, and the ids and hashes of all records stay in memory.
 *
 * @throws {@link NdjsonError} when loading or committing, if the file is another source's or is not as it was written.
 * `Error` then, if somebody else writes to it meanwhile.
 */
export function ndjsonSink(file: string): Sink<unknown> {
  let known: Contents | undefined;

  return {
    async load(source) {
      known = await contentsOf(file, source);
      return known.checkpoint;
    },

    async commit(source, records, checkpoint, before) {
      const contents = known?.source === source ? known : await contentsOf(file, source);
      if (JSON.stringify(contents.checkpoint) !== JSON.stringify(before)) throw overtaken(file);
      const { sizeBytes, hashes, last } = contents;
      // Where writing fails, only the file tells how far it came.
      known = undefined;
      const fresh = records.filter(({ id, hash }) => hashes.get(id) !== hash);
      const lines = fresh.map(({ item }) => lineOf(item)).join('');
      const closing = closingOf(createHash('sha256').update(lines), {
        records: fresh.map(({ id, hash }) => [id, hash] as const),
        checkpoint,
        after: last,
      });
      const text = `${sizeBytes === 0 ? headerOf(source) : ''}${lines}${ownLineOf(closing)}`;
      await append(file, contents, text);

      const changed = fresh.filter(({ id }) => hashes.has(id)).length;
      for (const { id, hash } of fresh) hashes.set(id, hash);
      known = { source, sizeBytes: sizeBytes + Buffer.byteLength(text), hashes, checkpoint, last: closing.sha256 };
      return { added: fresh.length - changed, changed };
    },
  };
}

/** A file that this sink did not write, or not like that. It is left as it is. */
export class NdjsonError extends Error {
  override readonly name = 'NdjsonError';
  /** As it was named. */
  readonly file: string;
  /** The line where it shows, from 1. */
  readonly line: number;

  /** @internal */
  constructor(file: string, line: number, detail: string) {
    super(`${file}:${line}: ${detail}`);
    this.file = file;
    this.line = line;
  }
}

/** What the whole pages of a file hold. */
interface Contents {
  readonly source: string;
  /** Where the last of them ends. */
  readonly sizeBytes: number;
  readonly hashes: Map<string, string>;
  readonly checkpoint: Checkpoint | undefined;
  /** SHA-256 of the last of them; empty where there is none. */
  readonly last: string;
}

/** What the line holds that closes a page. */
interface Closing {
  /** The ids and hashes of the page's lines, in their order. */
  readonly records: readonly (readonly [id: string, hash: string])[];
  readonly checkpoint: Checkpoint;
  /** The SHA-256 of the page before it; empty for the first. */
  readonly after: string;
  /** Of the page's lines, and of all that stands above. */
  readonly sha256: string;
}

const MARK = '{"$sync":';
const MARK_BYTES = Buffer.from(MARK);
const NEWLINE = 0x0a;

async function contentsOf(file: string, source: string): Promise<Contents> {
  const header = Buffer.from(headerOf(source));
  const hashes = new Map<string, string>();
  let checkpoint: Checkpoint | undefined;
  let last = '';
  const landed = new Set([last]);
  let [number, endBytes, wholeBytes] = [0, 0, 0];
  let page = createHash('sha256');
  let damagedLine: number | undefined;

  for await (const line of linesOf(file)) {
    number += 1;
    endBytes += line.length;
    if (number === 1) {
      // A torn first line is a torn first page. Compared as bytes, since it may be torn within a letter.
      if (!header.subarray(0, line.length).equals(line)) {
        throw new NdjsonError(file, number, `not the first line of an ndjsonSink for ${source}`);
      }
    } else if (!line.subarray(0, MARK.length).equals(MARK_BYTES)) {
      page.update(line);
    } else {
      const closing = closingIn(line, page);
      page = createHash('sha256');
      if (closing && closing.after === last && damagedLine === undefined) {
        for (const [id, hash] of closing.records) hashes.set(id, hash);
        ({ checkpoint, sha256: last } = closing);
        landed.add(last);
        wholeBytes = endBytes;
        continue;
      }
      // Its writing was cut short, or it was late and was refused. A page after one that is not there tells otherwise.
      damagedLine ??= number;
      if (closing && !landed.has(closing.after)) {
        throw new NdjsonError(file, damagedLine, 'the page that ends here is not as it was written');
      }
    }
  }
  if (endBytes > wholeBytes) {
    // At one go, since somebody may still be at work on what looks torn.
    if (statSync(file).size !== endBytes) throw new Error(`${file}: somebody else is writing to it`);
    truncateSync(file, wholeBytes);
  }
  return { source, sizeBytes: wholeBytes, hashes, checkpoint, last };
}

async function append(file: string, { sizeBytes, last }: Contents, text: string): Promise<void> {
  const handle = await open(file, 'a+');
  try {
    const { size } = await handle.stat();
    if (size !== sizeBytes) throw overtaken(file);
    await handle.appendFile(text);
    await handle.datasync();
    // Somebody may have come between. So it is read back, and with it the SHA-256 that ends the page before.
    const written = Buffer.from(`${last && `${last}"}}\n`}${text}`);
    const there = Buffer.alloc(written.length);
    await handle.read(there, { position: sizeBytes + Buffer.byteLength(text) - written.length });
    if (!there.equals(written)) throw overtaken(file);
  } finally {
    await handle.close();
  }
}

function overtaken(file: string): Error {
  return new Error(`${file}: somebody else has written to it since it was loaded`);
}

/** All lines with their ends, which the last may lack; none where there is no file. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        const end = chunk.subarray(from, at + 1);
        yield begun.length > 0 ? Buffer.concat([...begun, end]) : end;
        begun = [];
        from = at + 1;
      }
      if (from < chunk.length) begun.push(chunk.subarray(from));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

/** Says whose file it is, so that no other is cut off. */
function headerOf(source: string): string {
  return ownLineOf({ source, version: 1 });
}

function ownLineOf(content: object): string {
  return `${MARK}${JSON.stringify(content)}}\n`;
}

/** A record that would pass for a line of ours is set apart by a space, which means nothing in JSON. */
function lineOf(item: unknown): string {
  const line = JSON.stringify(item);
  return `${line.startsWith(MARK) ? ' ' : ''}${line}\n`;
}

function closingOf(page: Hash, closing: Omit<Closing, 'sha256'>): Closing {
  const { records, checkpoint, after } = closing;
  const sha256 = page.update(JSON.stringify([records, checkpoint, after])).digest('base64');
  return { records, checkpoint, after, sha256 };
}

/** What it holds, if line and page are as they were written. */
function closingIn(line: Buffer, page: Hash): Closing | undefined {
  const text = line.toString();
  try {
    const closing = closingOf(page, JSON.parse(text).$sync);
    return ownLineOf(closing) === text ? closing : undefined;
  } catch {
    return undefined;
  }
}
