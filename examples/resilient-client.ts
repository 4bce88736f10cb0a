import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { type BackoffEvent, backoff, type RetryContext } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { timeout } from '@steadfetch/timeout';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';

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
  /** How long one attempt may take to answer, in milliseconds. */
  readonly attemptMs?: number;
  /** Is told of every retry, and of every failure that got none. */
  readonly onRetry?: (event: BackoffEvent) => void;
}

/**
 * The recommended stack, outermost first: an open circuit fails before it queues, retries spend quota like any request,
 * every attempt gets its token when it is sent and not when it queues, and the timeout is per attempt.
 */
export function resilientClient(options: ResilientClientOptions): typeof fetch {
  const { origin, clientId, clientSecret, attemptMs = 2_000, shouldRetry, onRetry } = options;
  const { tokenUrl = `${origin}/oauth/token` } = options;
  const limited = timeout({ afterMs: attemptMs })(options.fetch ?? fetch);

  // A token request is a POST, but asking twice for a token does no harm.
  const askAgain = backoff({ shouldRetry: ({ transient }) => transient, ...(onRetry && { onEvent: onRetry }) });
  const tokens = tokenCache({
    request: clientCredentials({ tokenUrl, clientId, clientSecret, fetch: askAgain(limited) }),
  });

  const stack = [
    backoff({ attempts: 6, ...(shouldRetry && { shouldRetry }), ...(onRetry && { onEvent: onRetry }) }),
    circuitBreaker(),
    adaptiveThrottle(),
    bearer(tokens, { origins: [origin] }),
  ];
  return stack.reduceRight((next, policy) => policy(next), limited);
}
