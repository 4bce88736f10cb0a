import { backoff } from '@steadfetch/backoff';
import { createProvider, scenario } from '@steadfetch/fake-provider';
import { requestLog } from '@steadfetch/request-log';

const provider = createProvider(scenario('rate-limit/retry-after-seconds').config);
const log = requestLog({
  sink: ({ method, origin, path, status, call, attempt }) =>
    console.log(`call ${call}, attempt ${attempt}: ${method} ${origin}${path} ${status}`),
});
const steady = log.numbered(backoff()(log(provider.fetch)));

await steady('https://provider.test/items?token=secret');
await steady('https://provider.test/items?token=secret');
