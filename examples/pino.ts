import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { createProvider } from '@steadfetch/fake-provider';
import { type RequestLog, type RequestRecord, requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';
import { type Logger, pino } from 'pino';

/** What a client is logged by. */
export interface ClientLog {
  /** Writes a line for each attempt: `error` without an answer or for a 5xx, `warn` for a 4xx, `info` for the rest. */
  readonly log: RequestLog;
  /** An `onEvent` for a pattern of this name, which writes a line for each event. */
  onEvent(pattern: string): (event: { readonly type: string }) => void;
}

/** Writes attempts and events to a logger. There is nothing to redact: neither holds a secret or a query string. */
export function pinoLog(logger: Logger): ClientLog {
  return {
    log: requestLog({
      sink(record) {
        const { method, origin, path, status, error } = record;
        logger[levelOf(record)](record, `${method} ${origin}${path} ${status ?? error}`);
      },
    }),
    onEvent: (pattern) => (event) => logger.info({ pattern, ...event }, `${pattern}: ${event.type}`),
  };
}

function levelOf({ status }: RequestRecord): 'info' | 'warn' | 'error' {
  if (status === undefined || status >= 500) return 'error';
  return status >= 400 ? 'warn' : 'info';
}

if (import.meta.main) {
  const provider = createProvider({
    auth: false,
    seed: 4,
    latency: { minMs: 5, maxMs: 120 },
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 5, windowSeconds: 1 } }],
    faults: [{ fault: 'unavailable', on: { ratio: 0.25 } }],
  });
  const { log, onEvent } = pinoLog(pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }));
  const retrying = backoff({ baseMs: 20, onEvent: onEvent('backoff') });
  const throttled = adaptiveThrottle({ onEvent: onEvent('adaptive-throttle') });
  const logged = log.numbered(retrying(throttled(timeout()(log(provider.fetch)))));

  for (let call = 0; call < 8; call += 1) await logged('https://api.example.com/items?limit=2');
}
