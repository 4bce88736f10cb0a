import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { createProvider, scenario } from '@steadfetch/fake-provider';

// Ten requests in two seconds, and headers that say so.
const config = scenario('rate-limit/fixed-window').config;
const url = 'https://provider.test/items';

const plain = createProvider(config);
await Promise.all(Array.from({ length: 20 }, () => plain.fetch(url)));
console.log(`plain: ${plain.ledger.tally().throttled} of 20 refused`);

const provider = createProvider(config);
const paced = adaptiveThrottle()(provider.fetch);
await Promise.all(Array.from({ length: 20 }, () => paced(url)));
console.log(`paced: ${provider.ledger.tally().throttled} of 20 refused`);
