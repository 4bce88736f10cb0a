import { createProvider, type ProviderRecord, scenario } from '@steadfetch/fake-provider';
import { keysetPagination } from '@steadfetch/keyset-pagination';

// A hundred and fifty records share each instant, and a page holds fifty.
const provider = createProvider(scenario('pagination/ties').config);
const delivered: ProviderRecord[] = [];

let pages = 0;
for await (const { items } of keysetPagination<ProviderRecord>('https://provider.test/items', {
  fetch: provider.fetch,
  params: { from: 'created_from', after: 'after_id' },
})) {
  delivered.push(...items);
  pages += 1;
}
const { expected, lost, duplicated } = provider.judge('items', delivered);
console.log(`${pages} pages; of ${expected} records ${lost.length} lost, ${duplicated.length} twice`);
