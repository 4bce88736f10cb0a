import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from './config.ts';
import { lists } from './lists.ts';

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml]) => yaml!);
const configurations = blocks.filter((yaml) => !yaml.startsWith('- '));

describe('the README', () => {
  it.each(configurations)('shows a configuration that is valid: %.30s', (yaml) => {
    const missing = { resources: { users: {} }, ...parse(yaml) };

    expect(() => parseConfig(missing)).not.toThrow();
  });

  it('has no two sections of one name', () => {
    const titles = [...readme.matchAll(/^## (.+)$/gm)].map(([, title]) => title);

    expect(titles).toEqual([...new Set(titles)]);
  });

  it.each(['faults', 'defects', 'limits', 'profiles', 'manners', 'paginations'] as const)(
    'speaks of all %s',
    (list) => {
      const untold = lists[list]!.entries.filter(({ name }) => name !== 'default' && !readme.match(`\\b${name}\\b`));

      expect(untold).toEqual([]);
    },
  );

  it('names every list', () => {
    for (const list of Object.keys(lists)) expect(readme).toContain(`\`${list}\``);
  });
});
