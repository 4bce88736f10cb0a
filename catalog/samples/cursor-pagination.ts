import { cursorPagination } from '@steadfetch/cursor-pagination';
import { createProvider, type ProviderRecord, scenario } from '@steadfetch/fake-provider';

// Records come and go while they are read.
const provider = createProvider(scenario('pagination/cursor-churn').config);
const delivered: ProviderRecord[] = [];

let pages = 0;
for await (const { items } of cursorPagination<ProviderRecord>('https://provider.test/items', {
  fetch: provider.fetch,
  next: (body) => ({ cursor: body.next_cursor }),
})) {
  delivered.push(...items);
  pages += 1;
}
const { expected, lost, duplicated } = provider.judge('items', delivered);
console.log(`${pages} pages; of ${expected} records ${lost.length} lost, ${duplicated.length} twice`);
