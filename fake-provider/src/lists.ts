import { dialects } from './dialects/index.ts';
import { faults } from './faults/index.ts';
import { verdicts } from './ledger/verdicts/index.ts';
import { limitKinds } from './limits/index.ts';
import { defects } from './pagination/defects/index.ts';
import { paginations } from './pagination/index.ts';
import { profiles } from './profiles/index.ts';
import { scenarios } from './scenarios/index.ts';
import { settings } from './settings.ts';

/** Something to choose, with one line for people who choose. */
export interface Listed {
  readonly name: string;
  readonly summary: string;
}

/** Everything that a configuration can choose, by what it is. */
export const lists: Readonly<Record<string, { readonly what: string; readonly entries: readonly Listed[] }>> = {
  scenarios: {
    what: 'the bad days that are ready to run, and what a client must do in each',
    entries: scenarios.map(({ id, requirement }) => ({ name: id, summary: requirement })),
  },
  profiles: { what: 'the platforms it can behave as', entries: listed(profiles) },
  faults: { what: 'the ways a request can go wrong', entries: listed(faults) },
  limits: { what: 'the ways requests are counted', entries: listed(limitKinds) },
  paginations: { what: 'the ways a listing is cut into pages', entries: listed(paginations) },
  defects: { what: 'the ways a listing can be wrong', entries: listed(defects) },
  dialects: { what: 'the wordings of headers, errors and pages', entries: listed(dialects) },
  settings: { what: 'what else a configuration sets, by its field', entries: settings },
  manners: { what: 'what a client is judged by', entries: listed(verdicts) },
};

/** A list in two columns. */
export function columns(entries: readonly Listed[]): string {
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}\n`).join('');
}

function listed(index: Readonly<Record<string, Listed>>): Listed[] {
  return Object.entries(index).map(([name, { summary }]) => ({ name, summary }));
}
