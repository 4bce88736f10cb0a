import { createProvider, scenario } from '@steadfetch/fake-provider';
import { tokenBucket } from '@steadfetch/token-bucket';

// It takes ten requests at once and ten a second; one more is refused.
const provider = createProvider(scenario('rate-limit/token-bucket').config);
const paced = tokenBucket({ ratePerSecond: 10, burst: 5 })(provider.fetch);

const startMs = performance.now();
await Promise.all(Array.from({ length: 20 }, () => paced('https://provider.test/items')));
const { requests, throttled } = provider.ledger.tally();
console.log(`${requests} requests in ${((performance.now() - startMs) / 1_000).toFixed(1)} s, ${throttled} refused`);
