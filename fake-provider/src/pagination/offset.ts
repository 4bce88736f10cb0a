import { FARTHEST } from '../query.ts';
import type { Pagination } from './pagination.ts';
import { pageLimit } from './params.ts';

/** `?offset=200&limit=100`: counts records from the start, so every insert and delete shifts what follows. */
export const offset: Pagination = {
  name: 'offset',
  summary: 'offset and limit, with a total; records shift under a reader when others change',
  read(resource, params, pageSize) {
    const limit = pageLimit(params, pageSize);
    const start = params.integer('offset', { least: 0, most: FARTHEST, otherwise: 0 });
    const records = resource.slice(start, limit);
    const end = start + records.length;
    const more = end < resource.size;
    return { records, offset: start, limit, total: resource.size, more, next: more ? `${end}` : undefined };
  },
};
