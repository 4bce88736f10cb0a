import { backoff } from '@steadfetch/backoff';
import { createProvider, scenario } from '@steadfetch/fake-provider';

// Its second answer, and its fifth, is a 429 with Retry-After: 1.
const provider = createProvider(scenario('rate-limit/retry-after-seconds').config);
const steady = backoff({
  onEvent: ({ type, status }) => console.log(`  a ${status}: ${type}`),
})(provider.fetch);

for (let call = 1; call <= 4; call += 1) {
  const startMs = performance.now();
  const { status } = await steady('https://provider.test/items');
  console.log(`call ${call}: ${status} after ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}
