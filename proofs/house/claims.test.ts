import { globSync, readFileSync } from 'node:fs';
import { scenarios } from '@steadfetch/fake-provider';
import { describe, expect, it } from 'vitest';
import { patternNames } from './patterns.ts';

const proofs = globSync('proofs/*.test.ts').map((file) => readFileSync(file, 'utf8'));
const known = new Set<string>(scenarios.map(({ id }) => id));

describe.each(patternNames)('%s', (name) => {
  const claimed = [...readFileSync(`packages/${name}/README.md`, 'utf8').matchAll(/scenario: ([\w/-]+)/g)].map(
    ([, id]) => id!,
  );

  it('claims scenarios that there are', () => {
    expect(claimed.filter((id) => !known.has(id))).toEqual([]);
  });

  it('is proven against every scenario it claims', () => {
    const own = proofs.filter((text) => text.includes(`'@steadfetch/${name}'`)).join('\n');

    expect(claimed.filter((id) => !own.includes(id))).toEqual([]);
  });
});
