import { backoff } from '@steadfetch/backoff';
import { createProvider } from '@steadfetch/fake-provider';
import { idempotencyKey } from '@steadfetch/idempotency-key';

// It creates the record, and its answer is lost.
const provider = createProvider({
  auth: false,
  resources: { orders: { records: 0 } },
  faults: [{ fault: 'reset', on: { route: 'POST /orders', calls: [1] }, with: { when: 'after' } }],
});
const writing = idempotencyKey()(backoff({ baseMs: 10 })(provider.fetch));

const { status } = await writing('https://provider.test/orders', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name: 'tea' }),
});
const { data } = await (await provider.fetch('https://provider.test/orders')).json();
console.log(
  `answered by a ${status}; sent ${provider.ledger.entries.filter(({ method }) => method === 'POST').length} times; ${data.length} order`,
);
