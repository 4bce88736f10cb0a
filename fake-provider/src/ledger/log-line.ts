import type { LedgerEntry } from './entry.ts';

/** A request in one line: its number, the provider's time, what was asked, what came of it, and why. */
export function logLine({ sequence, atMs, client, method, path, status, simulated, attempt }: LedgerEntry): string {
  const outcome = status === 0 ? 'broken' : `${status}`;
  const retry = attempt > 1 ? ` attempt ${attempt}` : '';
  const reason = simulated === undefined ? '' : ` ${simulated}`;
  // A control character would end the line, or colour it.
  const safePath = path.replace(/[^\x20-\x7e]/g, '?');
  return `${sequence} ${new Date(atMs).toISOString()} ${client} ${method} ${safePath} ${outcome}${reason}${retry}`;
}
