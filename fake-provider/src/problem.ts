import { MAX_BODY_BYTES } from './call.ts';
import type { Standing } from './limits/limit.ts';

/** A request the provider cannot serve, worded by the dialect on its way out. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  /**
   * A word a client can switch on, such as `invalid_parameter`. Dialects tell apart `rate_limited` (by the purpose of
   * `exceeded`), `missing_token`, `expired_token`, `revoked_token`, `invalid_token`, `expired_cursor` and `not_found`.
   */
  readonly code: string;
  /** The parameter, header or body field at fault. */
  readonly field: string | undefined;
  /** Headers that every dialect sends. */
  readonly headers: Readonly<Record<string, string>>;
  /** The limit that was reached, where one was. */
  readonly exceeded: Standing | undefined;
  /** How long to stay away, in whole seconds; a dialect that has no `Retry-After` leaves it out. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: Partial<Pick<Problem, 'field' | 'headers' | 'exceeded' | 'retryAfterSeconds'>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = more.field;
    this.headers = more.headers ?? {};
    this.exceeded = more.exceeded;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The 400 for a parameter that is not what it should be. */
export function invalidParameter(field: string, message: string): Problem {
  return new Problem(400, 'invalid_parameter', `${field} ${message}`, { field });
}

/** The 413 for a body that no transport reads to its end. */
export function bodyTooLarge(): Problem {
  return new Problem(413, 'body_too_large', `body must be at most ${MAX_BODY_BYTES} bytes`, { field: 'body' });
}
