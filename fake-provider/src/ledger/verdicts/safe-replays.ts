import type { LedgerEntry } from '../entry.ts';
import { defineVerdict, type Finding } from '../verdict.ts';

interface Write {
  readonly sequence: number;
  readonly status: number;
  readonly key: string | undefined;
  readonly body: string | undefined;
}

/** What may be asked for by POST and writes nothing that could be done twice. */
const READS: readonly LedgerEntry['operation'][] = ['token', 'search', 'list'];

/** Writes that are remembered, by their key or by what they were. */
const REMEMBERED = 100_000;

/** RFC 9110, section 9.2.2; draft-ietf-httpapi-idempotency-key-header. */
export const safeReplays = defineVerdict({
  name: 'safe-replays',
  summary: 'repeats a write only with an idempotency key, the same key and the same bytes',
  begin(_site, find) {
    const byKey = new Map<string, Write>();
    const unsure = new Map<string, Write>();

    function remember(map: Map<string, Write>, key: string, write: Write): void {
      map.set(key, write);
      if (map.size > REMEMBERED) map.delete(map.keys().next().value!);
    }

    return {
      observe(entry) {
        const { sequence, client, route, method, operation, identity, status, isSilent } = entry;
        if (!['POST', 'PATCH'].includes(method) || READS.includes(operation)) return;
        const { idempotencyKey: key, bodyHash: body } = entry;
        const blame = (other: Write, what: Pick<Finding, 'expected' | 'actual' | 'why'>): void =>
          find({ sequences: [other.sequence, sequence], client, route, ...what });

        const named = key === undefined ? undefined : byKey.get(`${client} ${route} ${key}`);
        if (named !== undefined && named.body !== body) {
          blame(named, {
            expected: 'the same bytes under the same key',
            actual: 'other bytes',
            why: 'the provider answers with what it did the first time, or refuses',
          });
        }
        const repeated = entry.retryOf === undefined ? undefined : unsure.get(identity);
        if (repeated !== undefined && !isSilent) {
          if (key === undefined) {
            blame(repeated, {
              expected: `an idempotency key, or no replay after ${spoken(repeated.status)}`,
              actual: 'a replay without a key',
              why: 'the first one may have been carried out: now it is done twice',
            });
          } else if (key !== repeated.key) {
            blame(repeated, {
              expected: 'the key of the first try',
              actual: repeated.key === undefined ? 'a key that the first try had not' : 'another key',
              why: 'under a new key the provider takes it for a new request',
            });
          }
        }

        const write = { sequence, status, key, body };
        if (key !== undefined && named === undefined) remember(byKey, `${client} ${route} ${key}`, write);
        if (isAmbiguous(entry)) remember(unsure, identity, write);
        else unsure.delete(identity);
      },
    };
  },
});

/** Whether the write may have been carried out although it seems to have failed. */
function isAmbiguous({ status, wire }: LedgerEntry): boolean {
  return status === 0 || status >= 500 || wire !== undefined;
}

function spoken(status: number): string {
  return status === 0 ? 'a broken connection' : `a ${status}`;
}
