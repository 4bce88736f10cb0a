import { readFileSync } from 'node:fs';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Config, ConfigError, type ConfigInput, parseConfig } from './config.ts';
import { isFields, merge } from './merge.ts';
import { type PlannedFault, parsePlan } from './plan.ts';

/**
 * Reads a configuration from a YAML or JSON file.
 *
 * @param over - What overrides the file.
 * @throws {@link ConfigError} with the file's name, the line where there is one, and the field.
 */
export function readConfigFile(file: string, over: ConfigInput = {}): Config {
  const lines = new LineCounter();
  const document = parseDocument(read(file), { lineCounter: lines, logLevel: 'error' });
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) throw unreadable(syntaxError, lines.linePos(syntaxError.pos[0]).line);
  const input = toPlain(document) ?? {};
  try {
    return parseConfig(isFields(input) ? merge(input, over) : input);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError([], `${file}:${lines.linePos(offsetOf(document, error.path)).line}: ${error.message}`);
  }

  function toPlain(source: Document): unknown {
    try {
      return source.toJS();
    } catch (error) {
      // An alias of nothing, or so many of them that they would fill the memory.
      throw unreadable(error as Error, 1);
    }
  }

  function unreadable({ message }: Error, line: number): ConfigError {
    const [reason = ''] = message.split('\n');
    return new ConfigError([], `${file}:${line}: ${reason.replace(/ at line.*$/, '')}`);
  }
}

/**
 * Reads a plan from a file of NDJSON.
 *
 * @throws {@link ConfigError} with the file's name, the line and the field.
 */
export function readPlanFile(file: string): PlannedFault[] {
  const text = read(file);
  try {
    return parsePlan(text);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError([], `${file}: ${error.message}`) : error;
  }
}

/** Where the field begins, or the nearest part of the way to it that is in the file. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = startOf(pair.key, offset);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node, offset);
    } else break;
  }
  return offset;
}

function startOf(node: unknown, otherwise: number): number {
  return (node as Node | null | undefined)?.range?.[0] ?? otherwise;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([], `${file}: cannot be read (${code})`);
  }
}
