import { defineVerdict, type Finding, type Judge } from '../verdict.ts';

/** So many waits in a row must be equal before it is a beat, which a client with jitter meets once in a million runs. */
const BEAT = 5;

/** So many different requests must come back at once before it is a herd. */
const HERD = 10;

/** What counts as at once. */
const INSTANT_MS = 10;

/** The time in which a herd is compared with those that come alone. */
const WINDOW_MS = 1_000;

interface Beat {
  waitedMs: number;
  sequences: number[];
}

export const spreadRetries = defineVerdict({
  name: 'spread-retries',
  summary: 'comes back at times that differ: no fixed beat, no herd',
  begin(_site, find): Judge {
    const beats = new Map<string, Beat>();
    let windowAtMs = 0;
    let all = 0;
    let instants = new Map<number, { sequences: number[]; identities: Set<string>; client: string; route: string }>();

    function herd(): Finding[] {
      return [...instants.values()]
        .filter(({ identities }) => identities.size >= HERD && identities.size > all / 2)
        .map(({ sequences, identities, client, route }) => ({
          ...{ sequences, client, route },
          expected: 'retries spread over time',
          actual: `${identities.size} of ${all} retries within ${INSTANT_MS} ms`,
          why: 'what failed together and comes back together fails together again',
        }));
    }

    return {
      observe({ sequence, client, route, identity, atMs, attempt, waitedMs, isSilent, retryOf }) {
        if (retryOf === undefined || isSilent) return;

        if (atMs >= windowAtMs + WINDOW_MS) {
          for (const finding of herd()) find(finding);
          instants = new Map();
          all = 0;
          windowAtMs = atMs;
        }
        all += 1;
        const instant = Math.floor((atMs - windowAtMs) / INSTANT_MS);
        const together = instants.get(instant) ?? { sequences: [], identities: new Set<string>(), client, route };
        together.sequences.push(sequence);
        together.identities.add(identity);
        instants.set(instant, together);
        if (waitedMs === undefined) return;

        for (const key of [`${client} ${route} ${attempt}`, `${client} ${identity}`]) {
          const beat = beats.get(key);
          const isEqual = beat !== undefined && Math.abs(waitedMs - beat.waitedMs) <= Math.max(5, 0.02 * beat.waitedMs);
          if (!isEqual) beats.set(key, { waitedMs, sequences: [sequence] });
          else if (!beat.sequences.includes(sequence)) beat.sequences.push(sequence);
          if (beats.size > 10_000) beats.delete(beats.keys().next().value!);
          if (beat?.sequences.length !== BEAT) continue;
          find({
            ...{ sequences: beat.sequences, client, route },
            expected: 'waits that grow and differ',
            actual: `${BEAT} waits of ${Math.round(beat.waitedMs)} ms`,
            why: 'many clients on one beat strike at the same time',
          });
          beats.delete(key);
          break;
        }
      },
      standing: herd,
    };
  },
});
