/** Whether the client had an answer when it sent the request at hand. If not, the request was already under way. */
export type Heard = (answer: { readonly sequence: number; readonly sentAtMs: number }) => boolean;

/** Knows which answers had reached the client when it sent a request. */
export interface Hearing {
  /** A moment, later than every moment before. */
  moment(): number;
  /** The answer to a request has been given to the client. */
  delivered(sequence: number): void;
  /** What the client had heard when it sent this request. Without a moment, by the time on the wire. */
  of(sequence: number, atMs: number, issuedAt: number | undefined): Heard;
}

/** Answers whose moment of delivery is remembered. */
const REMEMBERED = 10_000;

/**
 * Makes a hearing. A transport that is in the client's process knows the moments, to the turn. Over a wire a request
 * counts as under way for `underWayMs` after the answer was sent, since nobody can see when it left.
 */
export function createHearing(underWayMs: number): Hearing {
  const awaited = new Set<number>();
  const deliveredAt = new Map<number, number>();
  let moments = 0;

  return {
    moment: () => ++moments,
    delivered(sequence) {
      if (!awaited.delete(sequence)) return;
      deliveredAt.set(sequence, ++moments);
      if (deliveredAt.size > REMEMBERED) deliveredAt.delete(deliveredAt.keys().next().value!);
    },
    of(sequence, atMs, issuedAt) {
      if (issuedAt === undefined) return (answer) => answer.sentAtMs + underWayMs <= atMs;
      awaited.add(sequence);
      return (answer) => !awaited.has(answer.sequence) && (deliveredAt.get(answer.sequence) ?? 0) < issuedAt;
    },
  };
}
