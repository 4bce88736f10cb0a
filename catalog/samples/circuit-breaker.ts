import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { createProvider, scenario } from '@steadfetch/fake-provider';

// It is down: every answer is a 503.
const provider = createProvider(scenario('resilience/outage').config);
const guarded = circuitBreaker({ minimumCalls: 5, onEvent: ({ type }) => console.log(`  the circuit is ${type}`) })(
  provider.fetch,
);

for (let call = 1; call <= 8; call += 1) {
  const outcome = await guarded('https://provider.test/items').then(
    ({ status }) => status,
    ({ name }) => name,
  );
  console.log(`call ${call}: ${outcome}`);
}
console.log(`the provider saw ${provider.ledger.tally().requests} of them`);
