import { createProvider, type ProviderRecord, scenario } from '@steadfetch/fake-provider';
import { offsetPagination } from '@steadfetch/offset-pagination';

// Records come and go in front of what is being read.
const provider = createProvider(scenario('pagination/offset-drift').config);
const delivered: ProviderRecord[] = [];

let pages = 0;
for await (const { items } of offsetPagination<ProviderRecord>('https://provider.test/items', {
  fetch: provider.fetch,
})) {
  delivered.push(...items);
  pages += 1;
}
const { expected, lost, duplicated } = provider.judge('items', delivered);
console.log(`${pages} pages; of ${expected} records ${lost.length} lost, ${duplicated.length} twice`);
