import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer } from '@steadfetch/token-cache/oauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const CREDENTIALS = { authorization: 'Bearer secret', cookie: 'session=secret', 'x-api-key': 'secret' };
const REDIRECTS = [301, 302, 303, 307, 308];

/** Of two real servers on two ports, and so of two origins, the second keeps what it is sent. */
let home: Server;
let elsewhere: Server;
beforeAll(async () => {
  home = await listen();
  elsewhere = await listen();
});
beforeEach(() => {
  for (const server of [home, elsewhere]) server.received = [];
  // It would be taken for the next page, if anyone asked.
  elsewhere.answer = (response) => json(response, { rows: [{ id: 9, created_at: 9 }] });
});
afterAll(() => Promise.all([home?.close(), elsewhere?.close()]));

type Read = (url: string, resume?: Resume) => AsyncIterable<{ readonly resume: Resume }>;
type Resume = Readonly<Record<string, unknown>> | undefined;

const shared = (resume: Resume) => ({ resume, init: { headers: CREDENTIALS } });
const byCursor: Read = (url, resume) => cursorPagination(url, { ...shared(resume), next: (body) => body.next });
const byLink: Read = (url, resume) => linkPagination(url, shared(resume));
const PAGINATORS: Record<string, Read> = {
  offset: (url, resume) => offsetPagination(url, { ...shared(resume), limit: 2 }),
  cursor: byCursor,
  link: byLink,
  keyset: (url, resume) => keysetPagination(url, { ...shared(resume), params: { after: 'after' }, limit: 2 }),
};

describe.each(Object.entries(PAGINATORS))('%s pagination', (_name, read) => {
  it.each(REDIRECTS)('does not take credentials where a %s leads', async (status) => {
    home.answer = (response, page) => {
      if (page === 1) return firstPage(response, `${home.url}/rows?cursor=2`);
      response.writeHead(status, { location: `${elsewhere.url}/rows?token=secret` }).end();
    };

    await refused(read);
  });

  it('takes them along within the origin', async () => {
    home.answer = (response, page) => {
      if (page === 1) response.writeHead(307, { location: '/moved' }).end();
      else json(response, { rows: [] });
    };

    await pagesOf(read(`${home.url}/rows`));

    expect(home.received.map(({ url }) => url?.split('?')[0])).toEqual(['/rows', '/moved']);
    for (const { headers } of home.received) expect(headers).toMatchObject(CREDENTIALS);
  });
});

it.each([
  ['a next link', byLink],
  ['a cursor that is a URL', byCursor],
])('does not take credentials where %s leads', async (_what, read) => {
  for (const url of [`${elsewhere.url}/rows?token=secret`, `${elsewhere.url.replace('http:', '')}/rows`]) {
    home.received = [];
    home.answer = (response) => firstPage(response, url);

    await refused(read);
  }
});

it.each([undefined, ...REDIRECTS])(
  'has a bearer token for its own origins only, and none where a %s leads',
  async (status) => {
    const cache = tokenCache({ request: async () => ({ access_token: 'secret', expires_in: 3_600 }) });
    const send = bearer(cache, { origins: [home.url] })(fetch);
    home.answer = (response) => response.writeHead(status ?? 200, { location: `${elsewhere.url}/rows` }).end();

    await (await send(`${home.url}/rows`)).text();
    if (status === undefined) await (await send(`${elsewhere.url}/rows`)).text();

    expect(home.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret']);
    expect(elsewhere.received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  },
);

/** Reads the first page, and not the second; going on from its error's `resume` asks for that again, and no other. */
async function refused(read: Read): Promise<void> {
  const { pages, error } = await pagesOf(read(`${home.url}/rows`));

  expect(pages).toHaveLength(1);
  expect(error).toMatchObject({ name: 'CrossOriginError', page: 2, resume: pages[0]!.resume });
  expect(`${error}`).toContain(`Page 2 of ${home.url}/rows: `);
  expect(`${error}`).toContain(elsewhere.url);
  expect(`${error}`).not.toContain('secret');

  const resume = JSON.parse(JSON.stringify(pages[0]!.resume));
  const again = await pagesOf(read(`${home.url}/rows`, resume));
  expect(again).toMatchObject({ pages: [], error: { name: 'CrossOriginError', page: 1, resume } });
  expect(home.received.length).toBeGreaterThan(0);
  for (const { headers } of home.received) expect(headers).toMatchObject(CREDENTIALS);
  expect(elsewhere.received).toEqual([]);
}

async function pagesOf(reading: ReturnType<Read>): Promise<{ pages: { resume: Resume }[]; error?: unknown }> {
  const pages: { resume: Resume }[] = [];
  try {
    for await (const page of reading) pages.push(page);
    return { pages };
  } catch (error) {
    return { pages, error };
  }
}

interface Server {
  readonly url: string;
  /** All requests since the test began. */
  received: IncomingMessage[];
  /** Is told how many requests there were, this one included. */
  answer: (response: ServerResponse, nth: number) => unknown;
  close(): Promise<void>;
}

async function listen(): Promise<Server> {
  const http = createServer((request, response) => {
    server.received.push(request);
    server.answer(response, server.received.length);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const server: Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    received: [],
    answer: (response) => response.end(),
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return server;
}

/** A full page, which says in every way that there is another. */
function firstPage(response: ServerResponse, next: string): void {
  response.setHeader('link', `<${next}>; rel="next"`);
  json(response, { rows: [1, 2].map((id) => ({ id, created_at: id })), next });
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}
