/** Stripe's SDK takes a `fetch` as its HTTP client, and gives every POST an idempotency key; its own retries are off. */
import Stripe from 'stripe';
import { resilientClient } from '../resilient-client.ts';
import { saidToRetry } from './said-to-retry.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

export const stripe: SdkExample = {
  config: {
    profile: 'stripe',
    resources: { customers: { records: RECORDS } },
    latency: { minMs: 150, maxMs: 150 },
  },
  resource: 'customers',
  list: 'GET /v1/customers',
  create: 'POST /v1/customers',
  takesKeys: true,
  // Stripe does not say how long to stay away.
  retryAfterAs: 'absent',

  async run(client) {
    const fetch = resilientClient({
      ...client,
      shouldRetry: ({ retryable, response }) => saidToRetry(response) ?? retryable,
    });
    const { hostname, port } = new URL(client.origin);
    const { customers } = new Stripe('replaced by a token', {
      httpClient: Stripe.createFetchHttpClient(fetch),
      maxNetworkRetries: 0,
      // Its deadline is for all attempts and the waiting between them; here each has one of its own.
      timeout: 2 ** 31 - 1,
      telemetry: false,
      host: hostname,
      port,
      protocol: 'http',
    });

    const listed = await customers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });

    const created: string[] = [];
    for (const name of NAMES) created.push((await customers.create({ name })).id);
    return { listed, created };
  },
};

if (import.meta.main) await show(stripe);
