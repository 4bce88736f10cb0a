// biome-ignore lint/suspicious/noExplicitAny: whatever came.
export type Json = any;

/** Where a listing goes on, as every documentation has it; `undefined` at its end. */
export function nextUrl(
  url: string,
  pagination: string,
  page: number,
  body: Json,
  records: readonly Json[],
  link: string | null | undefined,
): string | undefined {
  switch (pagination) {
    case 'link':
      return /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1];
    case 'cursor':
      return body.next_cursor ? `${url}?cursor=${encodeURIComponent(body.next_cursor)}` : undefined;
    case 'keyset':
      return body.has_more ? `${url}?created_from=${records.at(-1)?.created_at}` : undefined;
    case 'offset':
      return page * 100 < body.total ? `${url}?limit=100&offset=${page * 100}` : undefined;
    default:
      return page * 100 < body.total ? `${url}?per_page=100&page=${page + 1}` : undefined;
  }
}
