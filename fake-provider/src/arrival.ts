import type { Call } from './call.ts';
import type { Match } from './routes.ts';

/** A request that has arrived: who calls, for what, when, and how often before. */
export interface Arrival {
  readonly call: Call;
  /** Absent where the path leads nowhere. */
  readonly match: Match | undefined;
  /** The route's name, or `unknown`. */
  readonly route: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Epoch milliseconds at which the answer will have been given. */
  readonly endsAtMs: number;
  /** The client that the credential was issued to, valid or not; `anonymous` without one. */
  readonly client: string;
  /** The organisation of that client. */
  readonly organisation: string;
  /** The credential as it was presented, or an empty text. A secret. */
  readonly credential: string;
  /** The n-th request of this client on this route, from 1; 0 for requests that are not counted. */
  readonly nth: number;
  /** Whether the request is served without being counted or spoilt: HEAD and OPTIONS. */
  readonly isFree: boolean;
  /** A number in [0, 1) that is the same in every replay of this request. */
  chance(label: string): number;
  /** Names this request, in the form of a UUID. */
  requestId(): string;
}
