import { defineVerdict } from '../verdict.ts';

interface Round {
  readonly sinceMs: number;
  readonly firstSequence: number;
  count: number;
}

/** A poll every second is none. */
const ROUND_MS = 60_000;

/** Requests that are remembered for a minute. */
const REMEMBERED = 10_000;

export const noLoops = defineVerdict({
  name: 'no-loops',
  summary: 'does not send the same request over and over',
  begin({ manners: { maxRepeats } }, find) {
    const rounds = new Map<string, Round>();
    return {
      observe({ sequence, client, route, identity, atMs, operation }) {
        if (operation === 'token') return;
        const round = rounds.get(identity);
        if (round === undefined || atMs >= round.sinceMs + ROUND_MS) {
          rounds.delete(identity);
          rounds.set(identity, { sinceMs: atMs, firstSequence: sequence, count: 1 });
          if (rounds.size > REMEMBERED) rounds.delete(rounds.keys().next().value!);
          return;
        }
        round.count += 1;
        if (round.count !== maxRepeats + 1) return;
        find({
          ...{ sequences: [round.firstSequence, sequence], client, route },
          expected: `at most ${maxRepeats} equal requests in ${ROUND_MS / 1_000} s`,
          actual: `${round.count}, and more`,
          why: 'a cursor that leads back, or a loop without an end, never gets anywhere',
        });
      },
    };
  },
});
