import type { Arrival } from './arrival.ts';
import type { Reply } from './call.ts';
import type { Config } from './config.ts';
import type { Resource } from './data/resource.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Defect, ReadPage } from './pagination/defect.ts';
import { type DefectName, defects } from './pagination/defects/index.ts';
import { paginations } from './pagination/index.ts';
import type { Page } from './pagination/pagination.ts';
import { changed, createParams } from './pagination/params.ts';
import { strikes } from './script.ts';

/** Every listing of a provider. */
export interface Listings {
  /**
   * Changes what changes between two listing requests, and answers with one page.
   *
   * @throws `Problem` 400 naming the parameter at fault.
   */
  answer(resource: Resource, arrival: Arrival): Reply;
}

/** Who hears of the defects of pages. */
export interface ListingsOptions {
  /** Hears of each defect that made a page other than it would have been, or refused it. */
  readonly onDefect?: (defect: DefectName, resource: string) => void;
}

/** Makes the listings that are configured, in the words of the dialect. */
export function createListings(
  { resources, seed }: Config,
  dialect: Dialect,
  { onDefect }: ListingsOptions = {},
): Listings {
  return {
    answer(resource, arrival) {
      const { call, nowMs, nth, chance, isFree } = arrival;
      const { pagination, pageSize, defects: configured } = resources[resource.name]!;
      const fields = dialect.fields(pagination);
      const source = dialect.parameters(call);
      const params = createParams(source, fields);
      if (!isFree) resource.drift();

      const read: ReadPage = (change = {}) =>
        paginations[pagination].read(resource, createParams(changed(source, fields, change), fields), pageSize);
      const page = configured
        .filter(({ on }, index) => !isFree && strikes(on, arrival, [seed, 'defect', resource.name, index]))
        .reduceRight<ReadPage>((next, entry) => {
          // The schema pairs each name with its own options, which a lookup by name cannot show the compiler.
          const defect = defects[entry.defect] as Defect;
          const site = { resource, pagination, params, nowMs, nth, chance };
          return (change) => {
            const untouched = new Set<Page>();
            const readNext: ReadPage = (more) => {
              const page = next({ ...change, ...more });
              untouched.add(page);
              return page;
            };
            let page: Page | undefined;
            try {
              page = defect.apply(entry.with, readNext, site);
              return page;
            } finally {
              if (page === undefined || !untouched.has(page)) onDefect?.(entry.defect, resource.name);
            }
          };
        }, read)();
      const { origin = call.origin } = page;
      return dialect.page(page, { call: { ...call, origin }, resource: resource.name, pagination, fields });
    },
  };
}
