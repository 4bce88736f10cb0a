import { createProvider, scenario } from '@steadfetch/fake-provider';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';

// It revokes each token after four requests.
const provider = createProvider(scenario('auth/token-revoked-mid-run').config);
const request = clientCredentials({
  tokenUrl: 'https://provider.test/oauth/token',
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
  fetch: provider.fetch,
});
const cache = tokenCache({ request, onEvent: ({ type }) => console.log(`  ${type}`) });
const authorized = bearer(cache, { origins: ['https://provider.test'] })(provider.fetch);

for (let call = 1; call <= 4; call += 1) {
  console.log(`call ${call}: ${(await authorized('https://provider.test/items')).status}`);
}
const together = await Promise.all([5, 6, 7].map(() => authorized('https://provider.test/items')));
console.log(`three at once: ${together.map(({ status }) => status).join(', ')}`);
