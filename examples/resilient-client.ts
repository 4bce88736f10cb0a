import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { type BackoffEvent, backoff, type RetryContext } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { timeout } from '@steadfetch/timeout';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials, TokenRequestError } from '@steadfetch/token-cache/oauth';

/** What a resilient client needs to know of a provider. */
export interface ResilientClientOptions {
  /** The provider's origin, which alone is given the token. */
  readonly origin: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where tokens come from. @defaultValue `/oauth/token` at the origin */
  readonly tokenUrl?: string;
  /** Decides what is sent again. @defaultValue what is transient and may be sent twice */
  readonly shouldRetry?: (context: RetryContext) => boolean;
  /** What sends the requests. @defaultValue `globalThis.fetch` */
  readonly fetch?: typeof fetch;
  /** How long one attempt may take to answer, in milliseconds. @defaultValue 10_000 */
  readonly attemptMs?: number;
  /** Is told of every retry, and of every failure that could have had one but did not. */
  readonly onRetry?: (event: BackoffEvent) => void;
}

/**
 * The recommended stack, outermost first: retries spend quota like any request, every attempt gets its token when it is
 * sent and not when it queues, only what was sent counts for the circuit, and the timeout is per attempt.
 */
export function resilientClient(options: ResilientClientOptions): typeof fetch {
  const { origin, clientId, clientSecret, attemptMs = 10_000, shouldRetry, onRetry } = options;
  const { tokenUrl = new URL('/oauth/token', origin).href } = options;
  const limited = timeout({ afterMs: attemptMs })(options.fetch ?? fetch);
  const observed = onRetry && { onEvent: onRetry };

  // A token request is a POST, but asking twice for a token does no harm. All its attempts together have 30 seconds.
  const askAgain = backoff({ shouldRetry: ({ transient }) => transient, maxRetryAfterMs: 20_000, ...observed });
  const grant = clientCredentials({ tokenUrl, clientId, clientSecret, fetch: askAgain(limited) });
  const tokens = tokenCache({ request: (last) => grant(last).catch(failForGood) });

  const stack = [
    backoff({ attempts: 6, ...(shouldRetry && { shouldRetry }), ...observed }),
    // As long as backoff heeds a Retry-After, so that those in line hear of a longer one as soon as whoever was told it.
    adaptiveThrottle({ maxWaitMs: 120_000 }),
    bearer(tokens, { origins: [origin] }),
    circuitBreaker(),
  ];
  return stack.reduceRight((next, policy) => policy(next), limited);
}

/** By this name the policies know that the API was not asked; nor is there any use in asking once more for a token. */
function failForGood(cause: unknown): never {
  if (cause instanceof TokenRequestError) throw cause;
  throw Object.assign(new Error('No access token', { cause }), { name: 'TokenRequestError' });
}
