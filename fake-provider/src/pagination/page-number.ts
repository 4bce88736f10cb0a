import { FARTHEST } from '../query.ts';
import type { Pagination } from './pagination.ts';
import { pageLimit } from './params.ts';

/** `?page=3&per_page=100`, from 1: an offset in coarser steps. */
export const pageNumber: Pagination = {
  name: 'page-number',
  summary: 'page (from 1) and page size, with a total; shifts as offsets do',
  read(resource, params, pageSize) {
    const limit = pageLimit(params, pageSize);
    const page = params.integer('page', { least: 1, most: FARTHEST, otherwise: 1 });
    const start = (page - 1) * limit;
    const more = start + limit < resource.size;
    return {
      records: resource.slice(start, limit),
      offset: start,
      limit,
      total: resource.size,
      more,
      next: more ? `${page + 1}` : undefined,
    };
  },
};
