import { chance } from '../chance.ts';
import type { Resource } from '../data/resource.ts';
import { invalidParameter } from '../problem.ts';
import { quote } from '../query.ts';
import type { Page, PageSize, Pagination } from './pagination.ts';
import { type Params, pageLimit } from './params.ts';

/** `?cursor=…&limit=100`: an opaque mark of the last record seen, good even after that record is deleted. */
export const cursor: Pagination = {
  name: 'cursor',
  summary: 'an opaque cursor; stable while records change',
  read: readByCursor,
};

/** Reads the page after the cursor's record. */
export function readByCursor(resource: Resource, params: Params, pageSize: PageSize): Page {
  const limit = pageLimit(params, pageSize);
  const mark = params.text('cursor');
  const start = mark === undefined ? 0 : resource.offsetAfter(readCursor(resource, mark, params.field('cursor')));
  const records = resource.slice(start, limit);
  const more = start + records.length < resource.size;
  const next = more ? makeCursor(resource, records.at(-1)!.id) : undefined;
  return { records, offset: start, limit, total: resource.size, more, next };
}

/** Marks the place after the record with this id. Opaque on purpose: no client should look inside. */
export function makeCursor(resource: Resource, id: string): string {
  return btoa(`${id}.${checkDigits(resource, id)}`);
}

/** The same cursor with a mark, which leads to the same place and reads otherwise. */
export function markCursor(cursor: string, mark: string): string {
  return btoa(`${decode(cursor)}.${mark}`);
}

/** The marks of a cursor, in the order they were made. */
export function marksOf(cursor: string): readonly string[] {
  return decode(cursor).split('.').slice(2);
}

/** A cursor that leads to this page itself. */
export function cursorBefore(resource: Resource, { records, offset }: Page): string {
  const key = resource.keyOf(records[0]!.id)!;
  const before = [key - 1, key + 1].map((next) => resource.recall(next).id);
  return makeCursor(resource, before.find((id) => resource.offsetAfter(id) === offset)!);
}

/**
 * The id inside a cursor that {@link makeCursor} made for this resource.
 *
 * @throws {@link Problem} 400 for any other text.
 */
function readCursor(resource: Resource, mark: string, field: string): string {
  const [id = '', digits] = decode(mark).split('.');
  if (!resource.isId(id) || digits !== checkDigits(resource, id)) {
    throw invalidParameter(field, `must be a cursor from an earlier page, got ${quote(mark)}`);
  }
  return id;
}

function checkDigits(resource: Resource, id: string): string {
  return Math.floor(chance('cursor', resource.name, id) * 36 ** 4).toString(36);
}

function decode(mark: string): string {
  try {
    return atob(mark);
  } catch {
    return '';
  }
}
