import type { AdminRoute } from './route.ts';

type Labels = Readonly<Record<string, string>>;

export const metrics: AdminRoute = {
  name: 'GET /__admin/metrics',
  summary: 'the same figures for Prometheus',
  answer(provider) {
    const { requests, throttled, failed, tokenRequests } = provider.ledger.tally();
    const levels = provider.levels().map((level) => ({ ...level, caller: level.caller ?? '' }));
    const body = [
      metric('requests_total', 'counter', 'Requests so far.', [[{}, requests]]),
      metric('throttled_total', 'counter', 'Answers with status 429.', [[{}, throttled]]),
      metric('failed_total', 'counter', 'Answers from 500 on, and broken connections.', [[{}, failed]]),
      metric('token_requests_total', 'counter', 'Requests to the token endpoint.', [[{}, tokenRequests]]),
      metric(
        'findings_total',
        'counter',
        'What the verdicts found.',
        provider.ledger.judgements().map(({ verdict, found }) => [{ verdict }, found]),
      ),
      metric(
        'limit_remaining',
        'gauge',
        'What a caller has left of a limit.',
        levels.map(({ name, caller, remaining }) => [{ limit: name, caller }, remaining]),
      ),
      metric(
        'limit_size',
        'gauge',
        'What a limit allows.',
        levels.map(({ name, caller, limit }) => [{ limit: name, caller }, limit]),
      ),
      metric('clock_seconds', 'gauge', 'The time of the provider.', [[{}, provider.clock.now() / 1_000]]),
    ];
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: body.join(''),
    };
  },
};

function metric(name: string, type: string, help: string, samples: readonly (readonly [Labels, number])[]): string {
  const lines = samples.map(([labels, value]) => `fake_provider_${name}${worded(labels)} ${value}\n`);
  return `# HELP fake_provider_${name} ${help}\n# TYPE fake_provider_${name} ${type}\n${lines.join('')}`;
}

function worded(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}
