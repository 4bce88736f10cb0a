import type { Resource } from '../data/resource.ts';
import { invalidParameter } from '../problem.ts';
import { quote } from '../query.ts';
import type { Pagination } from './pagination.ts';
import { type Params, pageLimit } from './params.ts';

/**
 * `?after_id=…` or `?created_from=…`: the client names the last key it saw. Records come by (created_at, id), so both
 * agree; `created_from` is inclusive, and many records may share that instant.
 */
export const keyset: Pagination = {
  name: 'keyset',
  summary: 'after an id, or from an instant (inclusive), in the order of (created_at, id)',
  read(resource, params, pageSize) {
    const limit = pageLimit(params, pageSize);
    const start = Math.max(offsetAfterId(resource, params), offsetSince(resource, params));
    const records = resource.slice(start, limit);
    const more = start + records.length < resource.size;
    const next = more ? records.at(-1)!.id : undefined;
    return { records, offset: start, limit, total: resource.size, more, next };
  },
};

function offsetAfterId(resource: Resource, params: Params): number {
  const id = params.text('after');
  if (id === undefined) return 0;
  if (!resource.isId(id))
    throw invalidParameter(params.field('after'), `must be an id of ${resource.name}, got ${quote(id)}`);
  return resource.offsetAfter(id);
}

function offsetSince(resource: Resource, params: Params): number {
  const since = params.instant('since');
  return since === undefined ? 0 : resource.offsetSince(since);
}
