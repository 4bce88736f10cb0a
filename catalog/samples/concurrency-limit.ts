import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { createProvider, scenario } from '@steadfetch/fake-provider';

// It refuses whoever has more than three requests under way.
const config = scenario('rate-limit/concurrency').config;
const url = 'https://provider.test/users';

const plain = createProvider(config);
await Promise.all(Array.from({ length: 12 }, () => plain.fetch(url)));
console.log(`all at once: ${plain.ledger.tally().throttled} of 12 refused`);

const provider = createProvider(config);
const bounded = concurrencyLimit({ max: 3, hold: 'body' })(provider.fetch);
await Promise.all(Array.from({ length: 12 }, async () => (await bounded(url)).text()));
console.log(`three at a time: ${provider.ledger.tally().throttled} of 12 refused`);
