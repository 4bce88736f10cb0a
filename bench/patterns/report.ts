import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { markdownTable } from 'markdown-table';

/** What a section of the results says. */
export interface Section {
  readonly title: string;
  /** What is measured, and how. */
  readonly method: string;
  /** Tables and sentences about them, in order. */
  readonly findings: readonly string[];
  /** The packages it was measured beside. */
  readonly peers: readonly string[];
}

/** Prints a section as Markdown, with the machine and the versions it was measured on. */
export function report({ title, method, findings, peers }: Section): void {
  const { devDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const versions = peers.map((name) => `${name} ${devDependencies[name]}`).join(', ');
  const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
  const measured = `Measured on ${new Date().toISOString().slice(0, 10)}: ${machine}, beside ${versions}.`;
  console.log([`## ${title}`, method.trim(), ...findings, measured].join('\n\n'));
}

/** A table whose first column is words and whose others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable([head, ...rows], { align: head.map((_, column) => (column === 0 ? 'l' : 'r')) });
}

/** Says whether a target was met. */
export function verdict(target: string, isMet: boolean, found: string): string {
  return `- ${isMet ? 'Met' : '**Missed**'}: ${target}. ${found}`;
}

/** Tells whoever waits how far it is; the results go elsewhere. */
export function progress(what: string): void {
  process.stderr.write(`${what}\n`);
}
