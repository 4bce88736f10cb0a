import { createProvider, type ProviderRecord, scenario } from '@steadfetch/fake-provider';
import { linkPagination } from '@steadfetch/link-pagination';

// Records come and go while they are read.
const provider = createProvider(scenario('pagination/link-churn').config);
const delivered: ProviderRecord[] = [];

let pages = 0;
for await (const { items } of linkPagination<ProviderRecord>('https://provider.test/items', {
  fetch: provider.fetch,
})) {
  delivered.push(...items);
  pages += 1;
}
const { expected, lost, duplicated } = provider.judge('items', delivered);
console.log(`${pages} pages; of ${expected} records ${lost.length} lost, ${duplicated.length} twice`);
