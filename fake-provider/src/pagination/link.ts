import { readByCursor } from './cursor.ts';
import type { Pagination } from './pagination.ts';

/** A bare array, and where to go next in the `Link` header (RFC 8288), by an opaque cursor. */
export const link: Pagination = {
  name: 'link',
  summary: 'a bare array with next and first links in the Link header; stable while records change',
  read: readByCursor,
};
