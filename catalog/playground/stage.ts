import { type Clock, type FakeMethod, install } from '@sinonjs/fake-timers';
import { createProvider, type Provider } from '../../fake-provider/src/provider.ts';
import type { Answer, Call, Fetch, Note, Play, RecordFate, Run, Send, Side, Stage, Values } from './play.ts';

/** When every run begins, so that the same seed gives the same run. */
const BEGIN_MS = Date.UTC(2026, 0, 1);

/** Where the provider is. */
const ORIGIN = 'https://api.test';

/** A client may not send more than this. */
const MOST_SENDS = 2_500;

/**
 * Lets one client of a play do its work, in virtual time: the platform's clock and timers are replaced meanwhile, so one
 * run at a time.
 */
export async function perform(play: Play, side: Side, values: Values, seed: number): Promise<Run> {
  const platform = reading();
  const timers = install({ now: BEGIN_MS, toFake: TIMERS });
  const end = new AbortController();
  const provider = createProvider(play.world(values, seed));
  const recorder = record(provider, () => timers.now - BEGIN_MS, end.signal);
  const stage: Stage = { ...recorder.stage, provider, values, random: randomOf(seed), signal: end.signal };
  const samples: [number, number][] = [];
  const sample = (): void => {
    const value = play.track?.of(stage);
    if (value !== undefined && samples.at(-1)?.[1] !== value) samples.push([timers.now - BEGIN_MS, value]);
  };

  try {
    sample();
    play.weather?.(stage);
    let isOver = false;
    const work = play[side](stage).finally(() => {
      isOver = true;
    });
    work.catch(() => {});
    const { longestMs = 120_000 } = play;
    const elapsedMs = (): number => timers.now - BEGIN_MS;
    const isEnd = (): boolean => isOver || elapsedMs() >= longestMs || recorder.sends.length >= MOST_SENDS;
    await pass(timers, platform, isEnd, sample);
    const isCut = !isOver;
    const durationMs = isCut && elapsedMs() < longestMs && timers.countTimers() === 0 ? longestMs : elapsedMs();
    const records = play.records?.(stage) ?? [];
    const run = structuredClone({ durationMs, isCut, ...recorder.all(), samples, records });
    end.abort(new Error('the run is over'));
    await platform.turn();
    if (!isCut) await work;
    return run;
  } finally {
    timers.uninstall();
    platform.end();
  }
}

const TIMERS: FakeMethod[] = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'];

/** Jumps from timer to timer, whenever nothing else is left to do. */
async function pass(timers: Clock, platform: Platform, isEnd: () => boolean, sample: () => void): Promise<void> {
  for (let idle = 0; idle < 20; ) {
    await platform.turn();
    sample();
    if (isEnd()) return;
    if (platform.isReading()) continue;
    if (timers.countTimers() === 0) {
      idle += 1;
      continue;
    }
    idle = 0;
    timers.next();
  }
}

interface Platform {
  /** A turn of the real event loop. */
  turn(): Promise<void>;
  /** Whether a body is being read or hashed, which takes real time and no virtual time. */
  isReading(): boolean;
  end(): void;
}

/** Knows when the platform itself is at work, so that time does not run away meanwhile. */
function reading(): Platform {
  let open = 0;
  const restore = [
    ...[Request.prototype, Response.prototype].flatMap((body) =>
      (['arrayBuffer', 'blob', 'json', 'text'] as const).map((method) => counted(body, method)),
    ),
    counted(SubtleCrypto.prototype, 'digest'),
  ];

  /** Replaces a method by one that is known to be under way. */
  function counted<Name extends string>(
    owner: Record<Name, (...given: never[]) => Promise<unknown>>,
    name: Name,
  ): () => void {
    const original = owner[name];
    owner[name] = async function underWay(this: unknown, ...given: never[]): Promise<unknown> {
      open += 1;
      try {
        return await original.apply(this, given);
      } finally {
        open -= 1;
      }
    };
    return () => {
      owner[name] = original;
    };
  }

  const { port1, port2 } = new MessageChannel();
  let resume = (): void => {};
  port1.onmessage = () => resume();
  return {
    turn: () =>
      new Promise((resolve) => {
        resume = resolve;
        port2.postMessage(null);
      }),
    isReading: () => open > 0,
    end() {
      port1.close();
      for (const each of restore) each();
    },
  };
}

interface Recorder {
  readonly sends: readonly Send[];
  readonly stage: Pick<Stage, 'fetch' | 'call' | 'calls' | 'note' | 'delivered'>;
  all(): Pick<Run, 'calls' | 'sends' | 'notes'>;
}

/** Writes down whatever is sent, and for which piece of work. */
function record(provider: Provider, now: () => number, signal: AbortSignal): Recorder {
  const calls: Call[] = [];
  const sends: Send[] = [];
  const notes: Note[] = [];

  const recorded: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const { origin, pathname, search } = new URL(request.url);
    const isAstray = origin !== ORIGIN;
    const path = `${isAstray ? origin : ''}${pathname}${search}`;
    const call = Number(request.headers.get('x-call') ?? 0);
    const send: Send = { call, method: request.method, path, atMs: now(), answer: 'broken' };
    sends.push(send);
    try {
      const response = await provider.fetch(request, { signal: AbortSignal.any([request.signal, signal]) });
      const cause = response.headers.get('x-fake-provider');
      // Whoever answers there may pass on what the provider says.
      const answer = isAstray ? 'astray' : answerOf(response.status);
      Object.assign(send, { endMs: now(), status: response.status, answer }, cause === null ? {} : { cause });
      return response;
    } catch (error) {
      if (!signal.aborted) send.endMs = now();
      throw error;
    }
  };

  const call: Stage['call'] = async (send) => {
    const entry: Call = { id: calls.length + 1, atMs: now(), outcome: 'unfinished' };
    calls.push(entry);
    try {
      const result = await send({ headers: { 'x-call': `${entry.id}` }, signal });
      const status = result instanceof Response ? result.status : 200;
      entry.outcome = status < 400 ? 'done' : 'failed';
      if (status >= 400) entry.reason = `answered ${status}`;
      if (result instanceof Response && !result.bodyUsed) await result.text();
    } catch (error) {
      if (signal.aborted) return;
      const isSent = sends.some((each) => each.call === entry.id);
      Object.assign(entry, { outcome: isSent ? 'failed' : 'not-sent', reason: nameOf(error) });
    }
    entry.endMs = now();
  };

  return {
    sends,
    all: () => ({ calls, sends, notes }),
    stage: {
      fetch: recorded,
      call,
      async calls(count, everyMs, send) {
        const under: Promise<void>[] = [];
        for (let index = 0; index < count && !signal.aborted; index++) {
          if (index > 0 && everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
          under.push(call((init) => send(init, index)));
        }
        await Promise.all(under);
      },
      note: (type, text) => void notes.push({ atMs: now(), type, text }),
      delivered: [],
    },
  };
}

function answerOf(status: number): Answer {
  if (status === 429) return 'limited';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'ok';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What became of each record that was there all the time or was delivered, in the order of the listing. */
export function fates({ provider, delivered }: Stage): RecordFate[] {
  const records = delivered as { readonly id: string }[];
  const times = new Map(provider.judge('items', records).lost.map((id) => [id, 0]));
  for (const { id } of records) times.set(id, (times.get(id) ?? 0) + 1);
  const counts = [...times].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, count]) => count);
  return counts.map((count) => (count === 0 ? 'lost' : count === 1 ? 'once' : 'twice'));
}
