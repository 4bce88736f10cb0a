import type { Lineage, Observation } from './entry.ts';
import type { Heard } from './hearing.ts';

/** Tells retries from other requests. */
export interface Lineages {
  /** How this request follows from those before it. */
  follow(sequence: number, request: Observation, heard: Heard): Lineage;
}

interface Failure {
  readonly sequence: number;
  readonly attempt: number;
  readonly sentAtMs: number;
  readonly welcomeAtMs: number;
  readonly mayBeSilent: boolean;
}

/** Whoever comes back so much later has begun anew: a probe, the next run, somebody's second click. */
const RETRY_WITHIN_MS = 60_000;

/** A client stack repeats at once. */
const SILENT_WITHIN_MS = 50;

/** Failed requests that are remembered until they are repeated. */
const REMEMBERED = 10_000;

/** Whether an answer asks to be tried again. */
function isFailure({ status, simulated, wire }: Observation): boolean {
  return status === 0 || status === 429 || status >= 500 || simulated !== undefined || wire !== undefined;
}

/** Makes an empty set of lineages. */
export function createLineages(): Lineages {
  const failures = new Map<string, Failure[]>();

  function take(request: Observation, test: (failure: Failure) => boolean): Failure | undefined {
    const open = failures.get(request.identity);
    const index = open?.findIndex(test) ?? -1;
    if (open === undefined || index < 0) return undefined;
    const [failure] = open.splice(index, 1);
    if (open.length === 0) failures.delete(request.identity);
    return failure;
  }

  function remember(identity: string, failure: Failure): void {
    const open = failures.get(identity);
    if (open === undefined) failures.set(identity, [failure]);
    else if (open.length < 1_000) open.push(failure);
    if (failures.size > REMEMBERED) failures.delete(failures.keys().next().value!);
  }

  return {
    follow(sequence, request, heard) {
      const { atMs } = request;
      const silent = take(request, (failure) => failure.mayBeSilent && atMs - failure.sentAtMs <= SILENT_WITHIN_MS);
      const repeated = silent ?? take(request, heard);
      const isNew = repeated === undefined || atMs - repeated.welcomeAtMs > RETRY_WITHIN_MS;
      const lineage: Lineage = isNew
        ? { attempt: 1, retryOf: undefined, waitedMs: undefined, isSilent: false }
        : {
            attempt: repeated.attempt + (silent === undefined ? 1 : 0),
            retryOf: repeated.sequence,
            waitedMs: repeated.welcomeAtMs > repeated.sentAtMs ? undefined : atMs - repeated.sentAtMs,
            isSilent: silent !== undefined,
          };
      if (isFailure(request)) {
        remember(request.identity, {
          sequence,
          attempt: lineage.attempt,
          sentAtMs: request.sentAtMs,
          welcomeAtMs: Math.max(request.sentAtMs, request.retryAtMs ?? 0),
          mayBeSilent: request.wire === 'reset' && request.isConnectionReused === true && !lineage.isSilent,
        });
      }
      return lineage;
    },
  };
}
