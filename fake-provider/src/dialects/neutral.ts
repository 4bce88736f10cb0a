import { json, type Reply } from '../call.ts';
import type { Page } from '../pagination/pagination.ts';
import { type Dialect, linkHeader, type PageSite, plain, secondsUntil, tightest, urlWith } from './dialect.ts';

/** The three fields of the first RateLimit drafts, and errors as plain JSON. */
export const neutral: Dialect = {
  ...plain,
  name: 'neutral',
  summary: 'RateLimit-Limit, -Remaining, -Reset in seconds; errors as {"error": {code, message, field}}',
  fields(pagination) {
    const coarse = pagination === 'link' || pagination === 'page-number';
    return coarse ? { ...plain.fields(), limit: 'per_page' } : plain.fields();
  },
  rateHeaders(standings, nowMs) {
    const { limit, remaining, resetAtMs } = tightest(standings);
    return {
      'ratelimit-limit': `${limit}`,
      'ratelimit-remaining': `${remaining}`,
      'ratelimit-reset': `${secondsUntil(resetAtMs, nowMs)}`,
    };
  },
  page: neutralPage,
};

/** A page in the words of no platform in particular. */
export function neutralPage({ records: data, offset, limit, total, more, next }: Page, site: PageSite): Reply {
  const { call, pagination, fields } = site;
  switch (pagination) {
    case 'offset':
      return json(200, { data, offset, limit, total });
    case 'page-number':
      return json(200, { data, page: Math.floor(offset / limit) + 1, per_page: limit, total });
    case 'cursor':
      return json(200, { data, has_more: more, next_cursor: next ?? null });
    case 'keyset':
      return json(200, { data, has_more: more });
    case 'time-window':
      return json(200, { data, total, has_more: more });
    case 'link': {
      const size = { [fields.limit]: `${limit}` };
      const first = urlWith(call, { ...size, [fields.cursor]: undefined });
      const following = next === undefined ? undefined : urlWith(call, { ...size, [fields.cursor]: next });
      return json(200, data, { link: linkHeader({ next: following, first }) });
    }
  }
}
