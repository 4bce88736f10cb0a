import { ANSWERS, draw, ticks } from './draw.ts';
import { type Event, eventsOf } from './events.ts';
import type { Answer, Figure, Play, Run, Side, Values } from './play.ts';
import { perform } from './stage.ts';

/** Both clients of a play at work, ready to be shown. */
export interface Shown {
  readonly sides: Readonly<Record<Side, Lane>>;
  /** The axis both share. */
  readonly axis: string;
  /** What the colours mean, for those that occur. */
  readonly legend: string;
}

/** One client. */
interface Lane {
  readonly picture: string;
  readonly figures: string;
  /** What a picture says, in a sentence. */
  readonly summary: string;
  readonly events: readonly Event[];
}

/** Runs both clients of a play, one after the other, and draws them on one axis. */
export async function show(play: Play, values: Values, seed: number): Promise<Shown> {
  const naive = await perform(play, 'naive', values, seed);
  const steady = await perform(play, 'steady', values, seed);
  const untilMs = Math.max(naive.durationMs, steady.durationMs, 1) * 1.01;
  const lane = (run: Run): Lane => {
    const figures = play.figures(run);
    return {
      picture: draw(play, run, values, untilMs),
      figures: figuresOf(figures),
      summary: figures.map(({ value, label }) => `${value} ${label}`).join(', '),
      events: eventsOf(run),
    };
  };
  const isTimed = naive.records.length === 0;
  return {
    sides: { naive: lane(naive), steady: lane(steady) },
    axis: isTimed ? axisOf(untilMs) : '',
    legend: isTimed ? legendOf([naive, steady]) : fatesOf([naive, steady], play.words),
  };
}

function figuresOf(figures: readonly Figure[]): string {
  const items = figures.map(
    ({ value, label, tone }) =>
      `<li class="is-${tone}"><strong>${escaped(value)}</strong> <span>${escaped(label)}</span></li>`,
  );
  return items.join('');
}

function axisOf(untilMs: number): string {
  const marks = ticks(untilMs).map(({ label, percent }) => `<span style="left:${percent}%">${label}</span>`);
  return marks.join('');
}

function legendOf(runs: readonly Run[]): string {
  const present = new Set<string>(runs.flatMap(({ sends }) => sends.map(({ answer }) => answer)));
  if (runs.some(({ calls }) => calls.some(({ outcome }) => outcome === 'not-sent'))) present.add('open');
  const entries = (Object.keys(ANSWERS) as Answer[]).flatMap((answer) =>
    present.has(answer) ? [entry(answer, ANSWERS[answer])] : [],
  );
  return [...entries, entry('wait', 'waiting')].join('');
}

/** What becomes of the records of a listing. */
const FATES = { once: 'exactly once', twice: 'more than once', lost: 'lost' };

function fatesOf(runs: readonly Run[], words: NonNullable<Play['words']> = FATES): string {
  const present = new Set(runs.flatMap(({ records }) => records));
  return (['once', 'twice', 'lost'] as const)
    .flatMap((fate) => (present.has(fate) ? [entry(fate, words[fate])] : []))
    .join('');
}

function entry(kind: string, label: string): string {
  return `<li><i class="p-${kind}"></i>${label}</li>`;
}

/** A text as HTML. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
