import { readFileSync } from 'node:fs';
import type { Catalog } from '../generate/catalog.ts';
import type { Change } from '../generate/changes.ts';
import type { Shown } from '../playground/markup.ts';
import type { Side, Slider } from '../playground/play.ts';

/** A play as it looks before anybody has touched it. */
export interface Still {
  readonly question: string;
  readonly sliders: Readonly<Record<string, Slider>>;
  readonly shown: Shown;
  /** The code of both clients. */
  readonly clients: Readonly<Record<Side, string>>;
}

/** What was read and run before the pages are made. */
export interface Staged {
  readonly catalog: Catalog;
  /** Where the site is published. */
  readonly baseUrl: string;
  /** What changed from version to version, by the patterns' names. */
  readonly changes: Readonly<Record<string, readonly Change[]>>;
  readonly stills: Readonly<Record<string, Still>>;
}

/** Where it is kept, for as long as a build takes. */
export const STAGED = new URL('src/staged/staged.json', import.meta.url);

/** Reads what `stage.ts` wrote. */
export function readStaged(): Staged {
  return JSON.parse(readFileSync(STAGED, 'utf8'));
}
