import type { Config } from '../../fake-provider/src/config.ts';
import type { Provider } from '../../fake-provider/src/provider.ts';

/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A pattern at work, and the naive version in the same world. */
export interface Play {
  /** The pattern's name, as its package and its page have it. */
  readonly pattern: string;
  /** What to look at, in a sentence or two. */
  readonly question: string;
  /** What can be changed, by name. */
  readonly sliders: Readonly<Record<string, Slider>>;
  /** The provider: a whole configuration, since the browser has no schema that could fill it in. */
  world(values: Values, seed: number): Config;
  /** What changes while it runs, by timers. */
  readonly weather?: (stage: Stage) => void;
  /** A run that is not over by then is cut short. @defaultValue 120_000 */
  readonly longestMs?: number;
  /** What anybody would write first. */
  naive(stage: Stage): Promise<void>;
  /** The same work with the pattern. */
  steady(stage: Stage): Promise<void>;
  /** A quantity to draw above the requests. */
  readonly track?: Track;
  /** What became of each record, for listings. */
  readonly records?: (stage: Stage) => readonly RecordFate[];
  /** How {@link Play.records} are called in the legend. @defaultValue as for the records of a listing */
  readonly words?: Readonly<Record<RecordFate, string>>;
  /** The numbers that decide, the most telling first. */
  figures(run: Run): readonly Figure[];
}

/** One setting of a play. */
export interface Slider {
  readonly label: string;
  /** Such as `s` or `%`. */
  readonly unit?: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where it stands at first. */
  readonly value: number;
}

/** The sliders' positions. */
export type Values = Readonly<Record<string, number>>;

/** Which of the two clients. */
export type Side = 'naive' | 'steady';

/** What a client finds while it runs. Times are milliseconds since the run began. */
export interface Stage {
  readonly provider: Provider;
  readonly values: Values;
  /** The provider as a `fetch`, every request of which is recorded. */
  readonly fetch: Fetch;
  /** From the seed, the same in every run. */
  readonly random: () => number;
  /** Aborts when the run is cut short. */
  readonly signal: AbortSignal;
  /** What was delivered, for {@link Play.records}. */
  readonly delivered: unknown[];
  /** Does one piece of work, whose requests stand in one row. Never rejects: what went wrong is recorded. */
  call(
    send: (init: { readonly headers: Record<string, string>; readonly signal: AbortSignal }) => Promise<unknown>,
  ): Promise<void>;
  /** Many pieces of work, each begun `everyMs` after the one before, or at once. */
  calls(
    count: number,
    everyMs: number,
    send: (
      init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
      index: number,
    ) => Promise<unknown>,
  ): Promise<void>;
  /** Writes down what a policy said. */
  note(type: string, text: string): void;
}

/** A quantity over time. */
export interface Track {
  readonly label: string;
  /** Its value now. */
  of(stage: Stage): number;
  /** The value at the top. */
  most(values: Values): number;
}

/** What became of a record that was there throughout. */
export type RecordFate = 'once' | 'twice' | 'lost';

/** How a request ended. */
export type Answer = 'ok' | 'limited' | 'refused' | 'failed' | 'broken' | 'astray' | 'open';

/** One request on the wire. */
export interface Send {
  /** The row; 0 is whatever belongs to no call, such as a request for a token. */
  readonly call: number;
  readonly method: string;
  readonly path: string;
  readonly atMs: number;
  /** `undefined` where nothing came before the run ended. */
  endMs?: number;
  answer: Answer;
  /** `undefined` where there was no answer. */
  status?: number;
  /** What the provider says it simulated. */
  cause?: string;
}

/** One piece of work. */
export interface Call {
  readonly id: number;
  readonly atMs: number;
  endMs?: number;
  outcome: 'done' | 'failed' | 'not-sent' | 'unfinished';
  /** Why, if it is not done. */
  reason?: string;
}

/** What a policy said. */
export interface Note {
  readonly atMs: number;
  readonly type: string;
  readonly text: string;
}

/** Everything that happened, as plain JSON. */
export interface Run {
  readonly durationMs: number;
  readonly isCut: boolean;
  readonly calls: readonly Call[];
  readonly sends: readonly Send[];
  readonly notes: readonly Note[];
  /** Of {@link Play.track}: time and value, only where it changed. */
  readonly samples: readonly (readonly [atMs: number, value: number])[];
  readonly records: readonly RecordFate[];
}

/** One number under a picture. */
export interface Figure {
  readonly value: string;
  readonly label: string;
  readonly tone: 'good' | 'bad' | 'plain';
}

/** The sliders as they stand at first. */
export function defaultsOf({ sliders }: Pick<Play, 'sliders'>): Values {
  return Object.fromEntries(Object.entries(sliders).map(([name, { value }]) => [name, value]));
}

/** Good if there is none, bad otherwise. */
export function none(count: number, label: string): Figure {
  return { value: count.toLocaleString('en'), label, tone: count === 0 ? 'good' : 'bad' };
}

/** How many requests there were. */
export function sent({ sends }: Run): Figure {
  return { value: `${sends.length}`, label: 'requests sent', tone: 'plain' };
}

/** How many records that became of. */
export function fated({ records }: Run, fate: RecordFate): number {
  return records.filter((each) => each === fate).length;
}

/** How many requests ended so. */
export function answered({ sends }: Run, ...answers: readonly Answer[]): number {
  return sends.filter(({ answer }) => answers.includes(answer)).length;
}

/** How many pieces of work ended so. */
export function ended({ calls }: Run, ...outcomes: readonly Call['outcome'][]): number {
  return calls.filter(({ outcome }) => outcomes.includes(outcome)).length;
}

/** When all was done, as a figure. */
export function took({ durationMs, isCut }: Run): Figure {
  const seconds = (durationMs / 1_000).toFixed(durationMs < 10_000 ? 1 : 0);
  return {
    value: isCut ? `> ${seconds} s` : `${seconds} s`,
    label: isCut ? 'and not done' : 'until all is done',
    tone: isCut ? 'bad' : 'plain',
  };
}
