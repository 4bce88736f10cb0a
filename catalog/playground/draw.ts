import type { Answer, Play, Run, Values } from './play.ts';

/** How a way to end is called in a legend, and the class that colours it. */
export const ANSWERS: Readonly<Record<Answer, string>> = {
  ok: 'answered',
  limited: '429: too many requests',
  refused: '4xx: refused',
  failed: '5xx: failed',
  broken: 'no answer',
  astray: 'sent to another server',
  open: 'not sent',
};

/** The picture is as wide as its box: a thousand units, stretched. What must not stretch is drawn as a stroke. */
const WIDTH = 1_000;
const TRACK_PX = 44;
const ROWS_PX = 160;
const MOST_ROW_PX = 16;
/** A request that is shorter than this, in units of the width, is drawn so long. */
const SHORTEST = 3.5;
const GAP_PX = 10;

/**
 * Draws a run as an SVG: the play's quantity at the top, below it the work, with a thin line where it waited and a mark
 * where a request was under way. No text: it would stretch.
 *
 * @param untilMs - What the right edge stands for.
 */
export function draw(play: Play, run: Run, values: Values, untilMs: number): string {
  const x = (ms: number): number => round((Math.min(ms, untilMs) / untilMs) * WIDTH);
  if (run.records.length > 0) return svg(records(run), recordsPx(run));
  const top = play.track ? TRACK_PX + GAP_PX : 0;
  const { rows, count } = rowsOf(run, untilMs);
  const rowPx = Math.min(MOST_ROW_PX, ROWS_PX / Math.max(1, count));
  const y = (call: number): number => round(top + (rows.get(call)! + 0.5) * rowPx);
  const heightPx = Math.ceil(top + count * rowPx);
  const strokePx = round(rowPx * (rowPx > 4 ? 0.7 : 0.85));
  return svg(
    [
      circuit(run, x, heightPx),
      play.track ? track(play.track.most(values), run, x) : '',
      path('wait', waits(run, x, y), Math.min(1.5, strokePx)),
      ...(Object.keys(ANSWERS) as Answer[]).map((answer) => path(answer, marks(answer, run, x, y), strokePx)),
    ].join(''),
    heightPx,
  );
}

/** Work that does not overlap shares a row; what belongs to no piece of work has the first to itself. */
function rowsOf({ calls, sends, durationMs }: Run, untilMs: number): { rows: Map<number, number>; count: number } {
  const rows = new Map<number, number>();
  const ends: number[] = [];
  if (sends.some(({ call }) => call === 0)) {
    rows.set(0, 0);
    ends.push(Number.POSITIVE_INFINITY);
  }
  const apartMs = (untilMs * SHORTEST) / WIDTH;
  for (const { id, atMs, endMs = durationMs } of calls) {
    const free = ends.findIndex((end) => end <= atMs);
    const row = free === -1 ? ends.length : free;
    ends[row] = Math.max(endMs, atMs + apartMs);
    rows.set(id, row);
  }
  return { rows, count: ends.length };
}

function svg(inner: string, heightPx: number): string {
  return `<svg viewBox="0 0 ${WIDTH} ${heightPx}" height="${heightPx}" preserveAspectRatio="none" aria-hidden="true" focusable="false">${inner}</svg>`;
}

function path(kind: string, d: string, strokePx: number): string {
  return d === '' ? '' : `<path class="p-${kind}" stroke-width="${strokePx}" d="${d}"/>`;
}

type Scale = (value: number) => number;

/** Requests, by how they were answered; what was never sent is a mark at the moment it was refused. */
function marks(answer: Answer, { sends, calls, durationMs }: Run, x: Scale, y: Scale): string {
  if (answer === 'open') {
    return calls
      .flatMap(({ id, atMs, outcome }) => (outcome === 'not-sent' ? [segment(x(atMs), x(atMs), y(id))] : []))
      .join('');
  }
  return sends
    .flatMap((send) =>
      send.answer === answer ? [segment(x(send.atMs), x(send.endMs ?? durationMs), y(send.call))] : [],
    )
    .join('');
}

/** From when a piece of work began to when it ended. */
function waits({ calls, durationMs }: Run, x: Scale, y: Scale): string {
  return calls
    .flatMap(({ id, atMs, endMs = durationMs, outcome }) =>
      outcome === 'not-sent' ? [] : [segment(x(atMs), x(endMs), y(id))],
    )
    .join('');
}

/** A line that is long enough to be seen. */
function segment(from: number, to: number, y: number): string {
  return `M${from} ${y}h${round(Math.max(SHORTEST, to - from))}`;
}

/** A step for every change, filled to the bottom. */
function track(most: number, { samples, durationMs }: Run, x: Scale): string {
  const y = (value: number): number => round(TRACK_PX - (Math.min(value, most) / Math.max(1, most)) * (TRACK_PX - 2));
  const [first] = samples;
  if (first === undefined) return '';
  const steps = samples.slice(1).map(([atMs, value]) => `H${x(atMs)}V${y(value)}`);
  const line = `M0 ${y(first[1])}${steps.join('')}H${x(durationMs)}`;
  return `<path class="p-area" d="${line}V${TRACK_PX}H0Z"/><path class="p-edge" d="${line}"/>`;
}

/** While the circuit is open, or tries. */
function circuit({ notes, durationMs }: Run, x: Scale, heightPx: number): string {
  const turns = notes.filter(({ type }) => ['open', 'half-open', 'closed'].includes(type));
  return turns
    .flatMap(({ type, atMs }, index) => {
      if (type === 'closed') return [];
      const from = x(atMs);
      const to = x(turns[index + 1]?.atMs ?? durationMs);
      return [`<rect class="p-circuit-${type}" x="${from}" y="0" width="${round(to - from)}" height="${heightPx}"/>`];
    })
    .join('');
}

const PER_ROW = 50;
const CELL_PX = 13;

function recordsPx({ records: all }: Run): number {
  return Math.ceil(all.length / PER_ROW) * CELL_PX;
}

/** A square for each record, in the order of the listing. */
function records({ records: all }: Run): string {
  const width = WIDTH / PER_ROW;
  const square = (index: number): string => {
    const left = round((index % PER_ROW) * width + width * 0.1);
    return `M${left} ${Math.floor(index / PER_ROW) * CELL_PX + 1}h${round(width * 0.8)}v${CELL_PX - 2}h-${round(width * 0.8)}z`;
  };
  return (['once', 'twice', 'lost'] as const)
    .map((fate) => {
      const d = all.flatMap((each, index) => (each === fate ? [square(index)] : [])).join('');
      return d === '' ? '' : `<path class="p-${fate}" d="${d}"/>`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Round times for the axis, each with its place in per cent. */
export function ticks(untilMs: number): { readonly label: string; readonly percent: number }[] {
  const seconds = untilMs / 1_000;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60].find((each) => seconds / each <= 7) ?? 120;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => ({
    label: `${Math.round(index * step * 10) / 10} s`,
    percent: round(((index * step) / seconds) * 100),
  }));
}
