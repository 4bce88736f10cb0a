import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Context, context, metrics, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { backoff } from '@steadfetch/backoff';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTelemetry } from './opentelemetry.ts';

type Fetch = typeof globalThis.fetch;

const spans = new InMemorySpanExporter();
let measurements: InMemoryMetricExporter;
let reader: PeriodicExportingMetricReader;

beforeEach(() => {
  measurements = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter: measurements, exportIntervalMillis: 2 ** 30 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
});
afterEach(async () => {
  await reader.shutdown();
  for (const api of [metrics, trace, context]) api.disable();
  spans.reset();
});

it('makes one client span of each attempt, and counts the resends', async () => {
  const { log } = openTelemetry();
  const steady = log.numbered(backoff({ baseMs: 1 })(log(answering(503, 429, 200))));

  await steady('https://user:secret@api.test/items?token=secret#secret');

  expect(
    spans.getFinishedSpans().map(({ name, kind, status, attributes }) => [name, kind, status.code, attributes]),
  ).toEqual([
    ['GET', SpanKind.CLIENT, SpanStatusCode.ERROR, { ...COMMON, ...answered(503), 'error.type': '503' }],
    ['GET', SpanKind.CLIENT, SpanStatusCode.ERROR, { ...COMMON, ...answered(429), 'error.type': '429', ...resent(1) }],
    ['GET', SpanKind.CLIENT, SpanStatusCode.UNSET, { ...COMMON, ...answered(200), ...resent(2) }],
  ]);
});

it('names the error where no answer came', async () => {
  const { log } = openTelemetry();
  await log(() => Promise.reject(new TypeError('secret')))('https://api.test/items').catch(() => {});

  expect(spans.getFinishedSpans()[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { ...COMMON, 'error.type': 'TypeError' },
  });
  expect(spans.getFinishedSpans()[0]!.attributes).not.toHaveProperty('http.response.status_code');
});

it.each([
  ['http://api.test/items', 'GET', { 'server.port': 80 }],
  ['http://[::1]:8080/items', 'GET', { 'server.address': '[::1]', 'server.port': 8_080 }],
  ['https://api.test/items', 'PURGE', { 'http.request.method': '_OTHER' }],
])('describes %s (%s) by the conventions', async (url, method, attributes) => {
  await openTelemetry().log(answering(200))(url, { method });

  const [span] = spans.getFinishedSpans();
  expect(span!.attributes).toMatchObject({ 'url.full': url, ...attributes });
  expect(span!.name).toBe(method === 'PURGE' ? 'HTTP' : 'GET');
});

it('measures each attempt in seconds, as long as its span, in the recommended buckets', async () => {
  const { log } = openTelemetry();
  const startMs = Date.now();
  await log(answering(200))('https://api.test/items?token=secret');
  const endMs = Date.now() + 1;

  const { descriptor, dataPoints } = await metric('http.client.request.duration');
  const { attributes, value } = dataPoints[0] as unknown as { attributes: object; value: Histogram };
  const { startTime, duration } = spans.getFinishedSpans()[0]!;
  const { 'url.full': _url, ...common } = COMMON;

  expect(descriptor.unit).toBe('s');
  expect(value.buckets.boundaries).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
  expect(attributes).toEqual({ ...common, ...answered(200) });
  expect(value.sum).toBeCloseTo(duration[0] + duration[1] / 1e9, 6);
  expect(value.sum).toBeLessThan((endMs - startMs) / 1_000);
  expect(startTime[0] * 1_000 + startTime[1] / 1e6).toBeGreaterThanOrEqual(startMs);
});

it('counts events, and puts them and the attempts below the span they belong to', async () => {
  context.setGlobalContextManager(asyncContexts());
  const { log, onEvent } = openTelemetry();
  const steady = log.numbered(backoff({ baseMs: 1, onEvent: onEvent('backoff') })(log(answering(503, 200))));

  await trace.getTracer('test').startActiveSpan('sync', async (span) => {
    await steady('https://api.test/items?token=secret');
    span.end();
  });

  const [failed, passed, sync] = spans.getFinishedSpans();
  expect([failed, passed].map((span) => span!.parentSpanContext?.spanId)).toEqual(
    Array(2).fill(sync!.spanContext().spanId),
  );
  expect(sync!.events).toMatchObject([
    { name: 'backoff retry', attributes: { type: 'retry', attempt: 1, status: 503, url: 'https://api.test/items' } },
  ]);
  const { dataPoints } = await metric('steadfetch.events');
  expect(dataPoints).toMatchObject([{ value: 1, attributes: { pattern: 'backoff', type: 'retry' } }]);
});

it('has something to show when it is run', () => {
  const out = execFileSync(process.execPath, [fileURLToPath(new URL('opentelemetry.ts', import.meta.url))], {
    encoding: 'utf8',
  });

  expect(out).toContain('GET https://api.example.com/items');
  expect(out).toContain('p99Ms');
  expect(out).not.toContain('limit=');
});

const COMMON = {
  'http.request.method': 'GET',
  'server.address': 'api.test',
  'server.port': 443,
  'url.full': 'https://api.test/items',
};

const answered = (status: number) => ({ 'http.response.status_code': status });
const resent = (times: number) => ({ 'http.request.resend_count': times });

interface Histogram {
  readonly buckets: { readonly boundaries: number[] };
  readonly sum: number;
}

async function metric(name: string) {
  await reader.forceFlush();
  const all = measurements.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return all.find(({ descriptor }) => descriptor.name === name)!;
}

/** Answers with one status after another. */
function answering(...statuses: number[]): Fetch {
  return async () => new Response(null, { status: statuses.shift()! });
}

/** The least that makes contexts follow an `await`. */
function asyncContexts() {
  const storage = new AsyncLocalStorage<Context>();
  return {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: <A extends unknown[], F extends (...args: A) => ReturnType<F>>(
      active: Context,
      work: F,
      self?: ThisParameterType<F>,
      ...args: A
    ) => storage.run(active, () => work.call(self, ...args)),
    bind: <T>(_context: Context, target: T) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  };
}
