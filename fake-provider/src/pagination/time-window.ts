import { invalidParameter } from '../problem.ts';
import type { Pagination } from './pagination.ts';
import { pageLimit } from './params.ts';

/**
 * `?created_from=…&created_to=…`: the records of a stretch of time, its end left out, so that stretches that meet share
 * none. One that holds more than a page is cut off: the client asks again for a shorter one.
 */
export const timeWindow: Pagination = {
  name: 'time-window',
  summary: 'created from an instant (inclusive) to another (exclusive), with how many that is; cut off after a page',
  read(resource, params, pageSize) {
    const limit = pageLimit(params, pageSize);
    const since = params.instant('since');
    const until = params.instant('until');
    if (since !== undefined && until !== undefined && until < since) {
      throw invalidParameter(params.field('until'), `must not be before ${params.field('since')}`);
    }
    const start = since === undefined ? 0 : resource.offsetSince(since);
    const end = until === undefined ? resource.size : resource.offsetSince(until);
    const records = resource.slice(start, Math.min(limit, end - start));
    return { records, offset: start, limit, total: end - start, more: records.length < end - start, next: undefined };
  },
};
