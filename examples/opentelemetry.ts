import { metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { createProvider } from '@steadfetch/fake-provider';
import { type RequestLog, type RequestRecord, requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';

/** What a client is observed by. */
export interface Observation {
  /** Makes a span and a measurement of each attempt. */
  readonly log: RequestLog;
  /** An `onEvent` for a pattern of this name: counts its events, and notes them on the span they fall into. */
  onEvent(pattern: string): (event: { readonly type: string }) => void;
}

/**
 * Tells OpenTelemetry of attempts and events, by the stable semantic conventions for HTTP clients: one client span for
 * each attempt, below whatever span is active, and `http.client.request.duration` in seconds.
 */
export function openTelemetry(): Observation {
  const tracer = trace.getTracer('steadfetch');
  const meter = metrics.getMeter('steadfetch');
  const events = meter.createCounter('steadfetch.events', { description: 'Events of API-client patterns.' });
  const duration = meter.createHistogram('http.client.request.duration', {
    description: 'Duration of HTTP client requests.',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
  });

  return {
    log: requestLog({
      sink(record) {
        const attributes = attributesOf(record);
        const { origin, path, attempt = 1, sentAt, durationMs } = record;
        const span = tracer.startSpan(METHODS.has(record.method) ? record.method : 'HTTP', {
          kind: SpanKind.CLIENT,
          startTime: instant(sentAt),
          attributes: {
            ...attributes,
            // Credentials and query are not in the record to begin with.
            'url.full': `${origin}${path}`,
            ...(!METHODS.has(record.method) && { 'http.request.method_original': record.method }),
            ...(attempt > 1 && { 'http.request.resend_count': attempt - 1 }),
          },
        });
        if ('error.type' in attributes) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end(instant(sentAt + durationMs));
        duration.record(durationMs / 1_000, attributes);
      },
    }),

    onEvent: (pattern) => (event) => {
      events.add(1, { pattern, type: event.type });
      trace.getActiveSpan()?.addEvent(`${pattern} ${event.type}`, flat(event));
    },
  };
}

/** What span and measurement have in common; all of it takes few values. */
function attributesOf({ method, origin, status, error }: RequestRecord) {
  // A path alone is made whole further in, where this cannot see it.
  const server = URL.parse(origin);
  const isError = status === undefined || status >= 400;
  return {
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    ...(server && {
      'server.address': server.hostname,
      'server.port': Number(server.port) || (server.protocol === 'https:' ? 443 : 80),
    }),
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(isError && { 'error.type': error ?? `${status}` }),
  };
}

/** Seconds and nanoseconds: a plain number could be taken for one of the monotonic clock. */
function instant(epochMs: number): [number, number] {
  return [Math.floor(epochMs / 1_000), Math.round((epochMs % 1_000) * 1e6)];
}

/** An event's own values; a span event holds no objects. */
function flat(event: object): Record<string, string | number | boolean> {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => /string|number|boolean/.test(typeof value)));
}

const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

if (import.meta.main) {
  const sdk = await import('@opentelemetry/sdk-trace-base');
  const spans = new sdk.InMemorySpanExporter();
  const spanProcessors = [new sdk.SimpleSpanProcessor(spans)];
  trace.setGlobalTracerProvider(new sdk.BasicTracerProvider({ spanProcessors }));

  const provider = createProvider({
    auth: false,
    seed: 4,
    latency: { minMs: 5, maxMs: 120 },
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 5, windowSeconds: 1 } }],
    faults: [{ fault: 'unavailable', on: { ratio: 0.25 } }],
  });
  const { log, onEvent } = openTelemetry();
  const retrying = backoff({ baseMs: 20, onEvent: onEvent('backoff') });
  const throttled = adaptiveThrottle({ onEvent: onEvent('adaptive-throttle') });
  const observed = log.numbered(retrying(throttled(timeout()(log(provider.fetch)))));

  for (let call = 0; call < 8; call += 1) await observed('https://api.example.com/items?limit=2');

  console.table(
    spans.getFinishedSpans().map(({ name, attributes, duration: [seconds, nanos] }) => ({
      span: `${name} ${attributes['url.full']}`,
      status: attributes['http.response.status_code'],
      'error.type': attributes['error.type'] ?? '',
      resend_count: attributes['http.request.resend_count'] ?? 0,
      ms: Math.round(seconds * 1_000 + nanos / 1e6),
    })),
  );
  console.log(log.figures());
}
