import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readCatalog } from './catalog.ts';
import { toJavaScript } from './javascript.ts';
import { asOneFile } from './one-file.ts';
import { readEntry, readSource } from './source.ts';

const { patterns, scenarios } = readCatalog();

it('shows of each pattern the very bytes that were tested, and of one that stands in parts all of them', () => {
  const read = (file: string) => readFileSync(file, 'utf8');

  expect(patterns.filter(({ isInParts }) => isInParts).map(({ name }) => name)).toEqual(['adaptive-throttle']);
  for (const { name, source, isInParts } of patterns) {
    const file = `packages/${name}/src/${name}.ts`;
    expect(source, name).toBe(isInParts ? asOneFile(file, read) : read(file));
  }
});

it('shows of each pattern every option, what it means, and its default', () => {
  const { options } = patterns.find(({ name }) => name === 'timeout')!;

  expect(options).toEqual([
    {
      ...{ of: 'TimeoutOptions', name: 'afterMs', type: 'number', required: false, defaultValue: '10_000' },
      text: expect.stringMatching(/^How long to wait for the response headers.* From 1 to 2_147_483_647\.$/),
    },
  ]);
});

it('shows of each pattern a program, and what it printed', () => {
  for (const { name, sample } of patterns) {
    expect(sample?.input, name).toContain(`from '@steadfetch/${name}'`);
    expect(sample?.output.trim(), name).not.toBe('');
  }
});

it('lists with each scenario the patterns that claim it', () => {
  expect(scenarios.find(({ id }) => id === 'resilience/outage')).toMatchObject({
    title: 'Outage',
    level: 'should',
    patterns: ['backoff', 'circuit-breaker'],
  });
});

it('takes the types off, and leaves what is said of the rest', () => {
  const source = `/** A number. */
export type Wait = number;

/** Waits. */
export async function wait(ms: Wait, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  // Why.
  const timer = setTimeout(() => {}, ms as number)!;

  signal?.addEventListener('abort', () => clearTimeout(timer));
}
`;

  expect(toJavaScript(new Map([['wait.ts', source]])).get('wait.ts')).toBe(`/** Waits. */
export async function wait(ms, { signal } = {}) {
  // Why.
  const timer = setTimeout(() => {}, ms);

  signal?.addEventListener('abort', () => clearTimeout(timer));
}
`);
});

it.each(patterns)('turns $name into JavaScript that loads and exports the same', async ({ name, javascript }) => {
  const [original, stripped] = await Promise.all([
    import(`../../packages/${name}/src/${name}.ts`),
    import(`data:text/javascript,${encodeURIComponent(javascript)}`),
  ]);

  expect(Object.keys(stripped)).toEqual(Object.keys(original));
});

it('refuses syntax that is more than types', () => {
  expect(() => toJavaScript(new Map([['state.ts', 'export enum State { Open }']]))).toThrow(
    'state.ts: export enum State { Open }: expected only types that can be taken off',
  );
});

it.each([
  ['function', 'export function wait(): void {}'],
  ['constant', 'export const wait = {};'],
])('tells what an entry is for by the first %s it exports', (_what, code) => {
  const types = '/** A type. */\nexport type Wait = number;\n';

  expect(readEntry('wait.ts', `${types}\n/** Waits in {@link Redis}. And more. */\n${code}\n`)).toEqual({
    description: 'Waits in `Redis`.',
    exports: ['Wait', 'wait'],
  });
  expect(() => readEntry('wait.ts', `${types}${code}\n`)).toThrow(
    'wait.ts: expected an export with a comment that says what it is for',
  );
});

it('refuses an option that says nothing, naming file and option', () => {
  expect(() => readSource('wait.ts', 'export interface WaitOptions { ms: number }')).toThrow(
    'wait.ts: WaitOptions.ms: expected a comment that says what it means',
  );
});
