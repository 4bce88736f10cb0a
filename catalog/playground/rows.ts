import type { Fetch, Stage } from './play.ts';

/** Reads pages until there are no more, each a piece of work of its own. What ends them is written down. */
export async function readPages(
  { fetch, call, delivered, note }: Stage,
  open: (fetch: Fetch) => AsyncIterator<{ readonly items: readonly unknown[] }, unknown>,
): Promise<void> {
  let row = fetch;
  const pages = open((input, init) => row(input, init));
  let isLast = false;
  while (!isLast) {
    await call(async ({ headers }) => {
      row = inRow(fetch, headers);
      isLast = true;
      const step = await pages.next().catch((error: Error) => {
        note('stopped', error.message);
        throw error;
      });
      isLast = step.done === true;
      if (!step.done) delivered.push(...step.value.items);
    });
  }
}

/** A `fetch` whose requests stand in the row that the headers name. */
export function inRow(fetch: Fetch, headers: Readonly<Record<string, string>>): Fetch {
  return (input, init) => {
    const request = new Request(input, init);
    for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
    return fetch(request);
  };
}
