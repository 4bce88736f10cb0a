import type { LedgerEntry } from '../entry.ts';
import { defineVerdict } from '../verdict.ts';

/** Bodies that may be open at the same time; the oldest is taken for unread beyond that. */
const OPEN_AT_MOST = 10_000;

export const bodiesRead = defineVerdict({
  name: 'bodies-read',
  summary: 'reads the body of every answer, or cancels it',
  begin(_site, find) {
    const open = new Map<number, LedgerEntry>();
    const finding = ({ sequence, client, route, status }: LedgerEntry) => ({
      ...{ sequences: [sequence], client, route },
      expected: 'a body that is read to its end or cancelled',
      actual: `the body of the ${status} left as it was`,
      why: 'its connection is never free again, until none is left',
    });
    return {
      observe() {},
      bodyOpened(entry) {
        open.set(entry.sequence, entry);
        if (open.size <= OPEN_AT_MOST) return;
        const [oldest] = open.values();
        open.delete(oldest!.sequence);
        find(finding(oldest!));
      },
      bodyEnded: (sequence) => void open.delete(sequence),
      standing: () => [...open.values()].map(finding),
    };
  },
});
