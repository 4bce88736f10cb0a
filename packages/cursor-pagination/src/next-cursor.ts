/** A parsed body, whose shape only the caller knows. */
export type Json = ReturnType<typeof JSON.parse>;

/** Sent back as it came. `undefined`, `null`, `false`, `''`, or parameters that are nothing but these, end the listing. */
export type Cursor = string | false | null | undefined | Readonly<Record<string, Json>>;

/** What comes next on these platforms, and under which name it is sent. */
export const nextCursor = {
  airtable: (body: Json): Cursor => ({ offset: body.offset }),
  anthropic: (body: Json): Cursor => body.has_more && { after_id: required(body.last_id) },
  anthropicPage: (body: Json): Cursor => ({ page: body.next_page }),
  anthropicToken: (body: Json): Cursor => ({ page_token: body.next_page }),
  django: (body: Json): Cursor => body.next,
  google: (body: Json): Cursor => ({ pageToken: body.nextPageToken }),
  hubspot: (body: Json): Cursor => ({ after: body.paging?.next?.after }),
  intercom: (body: Json): Cursor => ({ starting_after: body.pages?.next?.starting_after }),
  jsonApi: (body: Json): Cursor => body.links?.next?.href ?? body.links?.next,
  jira: (body: Json): Cursor => ({ nextPageToken: body.nextPageToken }),
  microsoftGraph: (body: Json): Cursor => body['@odata.nextLink'],
  mixpanel: ({ page, page_size, session_id, results }: Json): Cursor =>
    results.length >= page_size && { page: page + 1, session_id },
  notion: (body: Json): Cursor => ({ start_cursor: body.next_cursor }),
  openai: (body: Json): Cursor => body.has_more && { after: required(body.last_id) },
  salesforce: (body: Json): Cursor => body.nextRecordsUrl,
  slack: (body: Json): Cursor => ({ cursor: body.response_metadata?.next_cursor }),
  stripe: (body: Json, items: readonly Json[]): Cursor =>
    body.has_more && { starting_after: required(items.at(-1)?.id) },
  stripeSearch: (body: Json): Cursor => ({ page: body.next_page }),
  stripeV2: (body: Json): Cursor => body.next_page_url,
  x: (body: Json): Cursor => ({ pagination_token: body.meta?.next_token }),
  zendesk: (body: Json): Cursor => body.meta.has_more && { 'page[after]': required(body.meta.after_cursor) },
  zendeskOffset: (body: Json): Cursor => body.next_page,
} as const;

/** Where a platform says there is more, a missing cursor is a fault, not the end. */
function required(cursor: Json): Json {
  if (!cursor && cursor !== 0) throw new TypeError('There is more, but no cursor to it');
  return cursor;
}
