import type { LedgerEntry } from '../entry.ts';
import type { Heard } from '../hearing.ts';
import { defineVerdict, type Finding } from '../verdict.ts';

interface Invitation {
  readonly sequence: number;
  readonly sentAtMs: number;
  readonly welcomeAtMs: number;
}

/** RFC 9110, section 10.2.3. */
export const retryAfter = defineVerdict({
  name: 'retry-after',
  summary: 'never comes back before the time in Retry-After',
  begin(_site, find) {
    const invitations = new Map<string, Invitation>();
    return {
      observe(entry, heard) {
        const { sequence, client, route, atMs, sentAtMs, retryAtMs } = entry;
        const key = `${client} ${route}`;
        const last = invitations.get(key);
        if (last !== undefined && atMs < last.welcomeAtMs && heard(last)) {
          find({
            ...{ sequences: [last.sequence, sequence], client, route },
            expected: `not before ${iso(last.welcomeAtMs)}`,
            actual: iso(atMs),
            why: 'a provider asks for time because it needs it, and blocks clients that do not listen',
          });
        }
        if (retryAtMs === undefined) return;
        if (retryAtMs >= (last?.welcomeAtMs ?? 0)) invitations.set(key, { sequence, sentAtMs, welcomeAtMs: retryAtMs });
      },
    };
  },
});

/** The requests of a client on a route that came although an earlier answer had asked it to stay away for longer. */
export function judgeRetryAfter(entries: readonly LedgerEntry[]): Finding[] {
  const findings: Finding[] = [];
  const judge = retryAfter.begin(
    { limits: [], manners: { maxAttempts: 0, maxRepeats: 0, underWayMs: 0 } },
    (finding) => void findings.push(finding),
  );
  for (const entry of entries) {
    const heard: Heard = ({ sentAtMs }) => sentAtMs < entry.atMs;
    judge.observe(entry, heard);
  }
  return findings;
}

const iso = (ms: number): string => new Date(ms).toISOString();
