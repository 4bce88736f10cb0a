import { createProvider, scenario } from '@steadfetch/fake-provider';
import { timeout } from '@steadfetch/timeout';

// It takes its second request and never answers.
const provider = createProvider(scenario('wire/hang').config);
const patient = timeout({ afterMs: 200 })(provider.fetch);

for (let call = 1; call <= 3; call += 1) {
  const outcome = await patient('https://provider.test/items').then(
    ({ status }) => status,
    ({ name, message }) => `${name}: ${message}`,
  );
  console.log(`call ${call}: ${outcome}`);
}
