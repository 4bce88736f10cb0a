import { batch } from '@steadfetch/batch';
import { createProvider, scenario } from '@steadfetch/fake-provider';

// In each batch it fails a tenth of the items, for now.
const provider = createProvider(scenario('writes/batch-partial-failure').config);
const names = Array.from({ length: 60 }, (_, index) => ({ name: `item ${index + 1}` }));

const counts = { done: 0, failed: 0, unknown: 0 };
const outcomes = batch('https://provider.test/items/batch', names, { fetch: provider.fetch, maxItems: 20 });
for await (const { status } of outcomes) counts[status] += 1;
console.log(counts, `in ${provider.ledger.tally().requests} requests`);
