import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type RateLimit, readRateLimits } from './adaptive-throttle.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const epochSeconds = now / 1_000;
const date = 'Sun, 01 Mar 2026 12:00:00 GMT';

it.each<[string, Record<string, string>, RateLimit[]]>([
  [
    'IETF, revision 8 and later: several policies at once',
    {
      'RateLimit-Policy': '"burst";q=100;w=60,"daily";q=1000;qu="content-bytes";w=86400;pk=:cHsdsRa894==:',
      RateLimit: '"burst";r=50;t=30, "daily";r=900',
    },
    [
      { name: 'burst', limit: 100, remaining: 50, resetMs: 30_000, resetErrorMs: 1_000, windowMs: 60_000 },
      { name: 'daily', limit: 1_000, remaining: 900, unit: 'content-bytes', windowMs: 86_400_000 },
    ],
  ],
  [
    'IETF, revision 7: one dictionary',
    { 'RateLimit-Policy': '100;w=10', RateLimit: 'limit=100, remaining=50, reset=5' },
    [{ name: 'ratelimit', limit: 100, remaining: 50, resetMs: 5_000, resetErrorMs: 1_000, windowMs: 10_000 }],
  ],
  [
    'IETF, revisions 4 to 6: three fields and a policy',
    {
      'RateLimit-Limit': '10',
      'RateLimit-Remaining': '1',
      'RateLimit-Reset': '7',
      'RateLimit-Policy': '50;w=60, 10;w=1',
    },
    [{ name: 'ratelimit', limit: 10, remaining: 1, resetMs: 7_000, resetErrorMs: 1_000, windowMs: 1_000 }],
  ],
  [
    'IETF, revisions 0 to 3: policies behind the limit',
    { 'RateLimit-Limit': '10, 10;w=1, 50;w=60', 'RateLimit-Remaining': '1', 'RateLimit-Reset': '7' },
    [{ name: 'ratelimit', limit: 10, remaining: 1, resetMs: 7_000, resetErrorMs: 1_000, windowMs: 1_000 }],
  ],
  [
    'Cloudflare',
    { Ratelimit: '"default";r=50;t=30', 'Ratelimit-Policy': '"burst";q=100;w=60' },
    [{ name: 'default', remaining: 50, resetMs: 30_000, resetErrorMs: 1_000 }],
  ],
  [
    'GitHub',
    {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4999',
      'x-ratelimit-used': '1',
      'x-ratelimit-reset': `${epochSeconds + 1_800}`,
      'x-ratelimit-resource': 'core',
    },
    [{ name: 'x-ratelimit:core', limit: 5_000, remaining: 4_999, resetMs: 1_800_000, resetErrorMs: 1_000 }],
  ],
  [
    'HubSpot',
    {
      'X-HubSpot-RateLimit-Max': '190',
      'X-HubSpot-RateLimit-Remaining': '150',
      'X-HubSpot-RateLimit-Interval-Milliseconds': '10000',
      'X-HubSpot-RateLimit-Daily': '650000',
      'X-HubSpot-RateLimit-Daily-Remaining': '649000',
      'X-HubSpot-RateLimit-Secondly': '19',
      'X-HubSpot-RateLimit-Secondly-Remaining': '18',
    },
    [
      { name: 'x-hubspot-ratelimit-daily', limit: 650_000, remaining: 649_000 },
      { name: 'x-hubspot-ratelimit', limit: 190, remaining: 150, windowMs: 10_000 },
      { name: 'x-hubspot-ratelimit-secondly', limit: 19, remaining: 18, windowMs: 1_000 },
    ],
  ],
  [
    'Salesforce',
    { 'Sforce-Limit-Info': 'api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)' },
    [
      { name: 'api-usage', limit: 5_000, remaining: 4_975 },
      { name: 'per-app-api-usage', limit: 250, remaining: 233 },
    ],
  ],
  [
    'Shopify',
    { 'X-Shopify-Shop-Api-Call-Limit': '32/40' },
    [
      {
        name: 'x-shopify-shop-api-call-limit',
        limit: 40,
        remaining: 8,
        resetMs: 16_000,
        resetErrorMs: 500,
        windowMs: 20_000,
      },
    ],
  ],
  [
    'Zendesk, everywhere',
    { 'X-Rate-Limit': '700', 'X-Rate-Limit-Remaining': '699' },
    [{ name: 'x-rate-limit', limit: 700, remaining: 699, windowMs: 60_000 }],
  ],
  [
    'Zendesk, on lists',
    {
      'ratelimit-limit': '700',
      'ratelimit-remaining': '699',
      'ratelimit-reset': '41',
      'zendesk-ratelimit-tickets-index': 'total=100; remaining=99; resets=41',
      'zendesk-ratelimit-inflight-jobs': 'total=30; remaining=0; resets=60',
    },
    [
      { name: 'ratelimit', limit: 700, remaining: 699, resetMs: 41_000, resetErrorMs: 1_000 },
      { name: 'zendesk-ratelimit-tickets-index', limit: 100, remaining: 99, resetMs: 41_000, resetErrorMs: 1_000 },
    ],
  ],
  [
    'X, with its day',
    {
      'x-rate-limit-limit': '900',
      'x-rate-limit-remaining': '847',
      'x-rate-limit-reset': `${epochSeconds + 60}`,
      'x-app-limit-24hour-limit': '10000',
      'x-app-limit-24hour-remaining': '9000',
      'x-app-limit-24hour-reset': `${epochSeconds + 3_600}`,
    },
    [
      { name: 'x-app-limit-24hour', limit: 10_000, remaining: 9_000, resetMs: 3_600_000, resetErrorMs: 1_000 },
      { name: 'x-rate-limit', limit: 900, remaining: 847, resetMs: 60_000, resetErrorMs: 1_000 },
    ],
  ],
  [
    'Discord, by the delta rather than by the epoch',
    {
      'X-RateLimit-Limit': '10',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '1470173023.123',
      'X-RateLimit-Reset-After': '64.5',
      'X-RateLimit-Bucket': 'abcd1234',
    },
    [{ name: 'x-ratelimit:abcd1234', limit: 10, remaining: 0, resetMs: 64_500, resetErrorMs: 0 }],
  ],
  [
    'OpenAI',
    {
      'x-ratelimit-limit-requests': '3500',
      'x-ratelimit-remaining-requests': '3499',
      'x-ratelimit-reset-requests': '17ms',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6m0s',
    },
    [
      { name: 'x-ratelimit-requests', limit: 3_500, remaining: 3_499, resetMs: 17, resetErrorMs: 0 },
      {
        name: 'x-ratelimit-tokens',
        limit: 150_000,
        remaining: 149_984,
        unit: 'tokens',
        resetMs: 360_000,
        resetErrorMs: 1_000,
      },
    ],
  ],
  [
    'Anthropic',
    {
      'anthropic-ratelimit-input-tokens-limit': '80000',
      'anthropic-ratelimit-input-tokens-remaining': '79000',
      'anthropic-ratelimit-input-tokens-reset': '2026-03-01T12:00:10Z',
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-03-01T12:00:01Z',
    },
    [
      {
        name: 'anthropic-ratelimit-input-tokens',
        limit: 80_000,
        remaining: 79_000,
        unit: 'tokens',
        resetMs: 10_000,
        resetErrorMs: 1_000,
      },
      { name: 'anthropic-ratelimit-requests', limit: 50, remaining: 49, resetMs: 1_000, resetErrorMs: 1_000 },
    ],
  ],
  [
    'Microsoft Graph, SharePoint',
    { 'RateLimit-Limit': '1200', 'RateLimit-Remaining': '120', 'RateLimit-Reset': '5' },
    [{ name: 'ratelimit', limit: 1_200, remaining: 120, resetMs: 5_000, resetErrorMs: 1_000 }],
  ],
  [
    'Microsoft Graph, directory',
    { 'x-ms-resource-unit': '1', 'x-ms-throttle-limit-percentage': '0.75' },
    [{ name: 'x-ms-throttle-limit-percentage', limit: 100, remaining: 25, windowMs: 10_000 }],
  ],
  [
    'Jira, refused',
    {
      'X-RateLimit-Limit': '100000',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '2026-03-01T13:00Z',
      'RateLimit-Reason': 'jira-quota-global-based',
    },
    [{ name: 'x-ratelimit', limit: 100_000, remaining: 0, resetMs: 3_600_000, resetErrorMs: 1_000 }],
  ],
  [
    'Jira, the preview, whose r is absent while much is left',
    {
      'Beta-RateLimit-Policy': '"global-app-quota";q=65000;w=3600, "tenant";q=100;w=1',
      'Beta-RateLimit': '"global-app-quota";t=60, "tenant";r=20;t=1',
    },
    [{ name: 'tenant', limit: 100, remaining: 20, resetMs: 1_000, resetErrorMs: 1_000, windowMs: 1_000 }],
  ],
  [
    'Intercom',
    {
      'X-RateLimit-Limit': '167',
      'X-RateLimit-Remaining': '166',
      'X-RateLimit-Reset': `${epochSeconds + 10}`,
    },
    [{ name: 'x-ratelimit', limit: 167, remaining: 166, resetMs: 10_000, resetErrorMs: 1_000 }],
  ],
  [
    'Envoy, with draft syntax in the older header',
    { 'X-RateLimit-Limit': '10, 10;w=1;name="per-ip"', 'X-RateLimit-Remaining': '9', 'X-RateLimit-Reset': '1' },
    [{ name: 'x-ratelimit', limit: 10, remaining: 9, resetMs: 1_000, resetErrorMs: 1_000, windowMs: 1_000 }],
  ],
  [
    'Stripe, Slack, Mixpanel, Airtable, Notion and Google: nothing',
    { 'request-id': 'req_123', 'retry-after': '30' },
    [],
  ],
])('reads %s', (_platform, headers, limits) => {
  expect(readRateLimits(new Headers(headers), now)).toEqual(limits);
});

it.each([
  ['delta seconds', '41', 41_000, 1_000],
  ['a delta with a fraction', '0.25', 250, 0],
  ['epoch seconds', `${epochSeconds + 41}`, 41_000, 1_000],
  ['epoch seconds with a fraction', `${epochSeconds + 41}.5`, 41_500, 0],
  ['epoch milliseconds', `${now + 41_250}`, 41_250, 0],
  ['a Go duration', '1m26.4s', 86_400, 0],
  ['a Go duration of hours', '1h1m1s', 3_661_000, 1_000],
  ['a Go duration in microseconds', '500µs', 0.5, 0],
  ['ISO 8601', '2026-03-01T12:00:41Z', 41_000, 1_000],
  ['ISO 8601 with a fraction and an offset', '2026-03-01T13:00:41.25+01:00', 41_250, 0],
  ['ISO 8601 without seconds', '2026-03-01T12:01Z', 60_000, 1_000],
  ['an IMF-fixdate', 'Sun, 01 Mar 2026 12:00:41 GMT', 41_000, 1_000],
  ['an RFC 850 date', 'Sunday, 01-Mar-26 12:00:41 GMT', 41_000, 1_000],
  ['an asctime date', 'Sun Mar  1 12:00:41 2026', 41_000, 1_000],
  ['the largest delta that is none of an epoch', '999999999', 366 * 86_400_000, 1_000],
  ['an absurd epoch', '9'.repeat(30), 366 * 86_400_000, 0],
  ['a time in the past', `${epochSeconds - 41}`, 0, 1_000],
])('tells apart: %s', (_spelling, reset, resetMs, resetErrorMs) => {
  expect(limitWith(reset)).toMatchObject({ resetMs: expect.closeTo(resetMs, 3), resetErrorMs });
});

it.each(['', 'soon', '12:00', '2026-03-01 12:00:41', '-', 'NaN', '1e3', '0x10', 'Infinity', '5 minutes'])(
  'takes a reset of "%s" for absent',
  (reset) => {
    expect(limitWith(reset)).toEqual({ name: 'x-ratelimit', limit: 10, remaining: 5 });
  },
);

it.each([`${epochSeconds + 41}`, '2026-03-01T12:00:41Z', 'Sun, 01 Mar 2026 12:00:41 GMT', `${now + 41_000}`])(
  "holds the time %s against the response's own Date, not the local clock",
  (reset) => {
    const [skewed] = readRateLimits(headersWith(reset, { date }), now - 3_600_000);

    // Date is cut to the second, so the middle of that second is the best guess.
    expect(skewed).toMatchObject({ resetMs: 40_500 });
    expect(skewed?.resetErrorMs).toBeGreaterThanOrEqual(500);
  },
);

it('leaves a delta as it is, whatever the Date says', () => {
  const [limit] = readRateLimits(headersWith('41', { date }), now - 3_600_000);

  expect(limit).toMatchObject({ resetMs: 41_000, resetErrorMs: 1_000 });
});

it.each(['', ' ', 'many', 'NaN', '1e3', '0x1F', 'null', '5 of 10'])(
  'takes a remaining of "%s" for absent',
  (remaining) => {
    expect(readRateLimits(new Headers({ 'x-ratelimit-remaining': remaining, 'x-ratelimit-limit': '10' }))).toEqual([]);
  },
);

it('takes a negative remaining for none', () => {
  expect(readRateLimits(new Headers({ 'x-ratelimit-remaining': '-3' }))).toMatchObject([{ remaining: 0 }]);
});

it.each([
  ['an open quote', '"burst;r=50;t=30'],
  ['an open quote further on', '"burst";r=50, "daily;r=900'],
  ['a remaining that is no number', '"burst";r=many'],
  ['no remaining', '"burst"'],
  ['nothing', ''],
])('ignores a structured field with %s', (_what, field) => {
  expect(readRateLimits(new Headers({ RateLimit: field }))).toEqual([]);
});

it('splits a structured field outside of its quotes only', () => {
  const headers = new Headers({
    RateLimit: String.raw`"a,b;c \"d\"";r=5;t=1`,
    'RateLimit-Policy': String.raw`"a,b;c \"d\"";q=10`,
  });

  expect(readRateLimits(headers)).toMatchObject([{ name: 'a,b;c "d"', remaining: 5, limit: 10 }]);
});

it('leaves out places for concurrent requests, which come back by themselves', () => {
  const headers = new Headers({ RateLimit: '"open";r=3', 'RateLimit-Policy': '"open";q=10;qu="concurrent-requests"' });

  expect(readRateLimits(headers)).toEqual([]);
});

it('ignores what a cache has kept', () => {
  expect(readRateLimits(headersWith('41', { age: '30' }))).toEqual([]);
  expect(readRateLimits(headersWith('41', { age: '0' }))).toHaveLength(1);
});

it('never throws, and never reads a number that is none, whatever the headers hold', () => {
  const names = [
    'ratelimit',
    'ratelimit-policy',
    'ratelimit-limit',
    'ratelimit-remaining',
    'ratelimit-reset',
    'x-ratelimit-remaining-tokens',
    'x-ratelimit-reset-tokens',
    'x-shopify-shop-api-call-limit',
    'sforce-limit-info',
    'zendesk-ratelimit-search-index',
    'x-ms-throttle-limit-percentage',
    'date',
  ];
  const text = fc.oneof(
    fc.stringMatching(/^[ -~]*$/),
    fc.stringMatching(/^["\\;,=a-z0-9. /:-]*$/),
    fc.stringMatching(/^\d{1,25}(\.\d+)?$/),
  );

  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), text)), (pairs) => {
      for (const limit of readRateLimits(new Headers(pairs), now)) {
        for (const value of Object.values(limit)) {
          if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(0);
        }
        expect(limit.resetMs ?? 0).toBeLessThan(Infinity);
      }
    }),
    { numRuns: 500 },
  );
});

it('reads hostile headers of 100 kB in linear time', () => {
  const hostile = [
    '"'.repeat(100_000),
    '"a";r=1,'.repeat(12_000),
    '1h'.repeat(50_000),
    'a=;'.repeat(33_000),
    '\\"'.repeat(50_000),
  ];
  const before = process.threadCpuUsage();

  for (const text of hostile) {
    readRateLimits(
      new Headers({
        ratelimit: text,
        'ratelimit-policy': text,
        'x-ratelimit-remaining': '1',
        'x-ratelimit-reset': text,
        'sforce-limit-info': text,
        'zendesk-ratelimit-a': text,
      }),
    );
  }

  // Quadratic, a single one of the 25 would take longer.
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(5_000);
});

function limitWith(reset: string): RateLimit | undefined {
  return readRateLimits(headersWith(reset), now)[0];
}

function headersWith(reset: string, others: Record<string, string> = {}): Headers {
  return new Headers({
    'x-ratelimit-limit': '10',
    'x-ratelimit-remaining': '5',
    'x-ratelimit-reset': reset,
    ...others,
  });
}
