/**
 * The loop of the documentation around a well-known client with its own retries, for the conformance suite:
 * `node peer-client.ts ky`. Each library is as its README has it first; where something does not come, the loop says so.
 */
import axios from 'axios';
import axiosRetry from 'axios-retry';
import got from 'got';
import ky from 'ky';
import pRetry, { AbortError } from 'p-retry';
import { type Json, nextUrl } from './next-url.ts';

const { BASE_URL = '', TOKEN_URL, CLIENT_ID = '', CLIENT_SECRET = '', REFRESH_TOKEN, RESOURCE = '' } = process.env;
const { PAGINATION = '', TASK, TASK_COUNT } = process.env;

type Headers = Record<string, string>;
interface Ask {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Headers;
  readonly body?: string;
}
interface Answer {
  readonly body: Json;
  readonly link: string | null | undefined;
}

axiosRetry(axios);

const PEERS: Readonly<Record<string, (ask: Ask) => Promise<Answer>>> = {
  async ky({ url, ...init }) {
    const response = await ky(url, init);
    return { body: await response.json(), link: response.headers.get('link') };
  },
  async got({ url, ...init }) {
    const response = await got(url, init);
    return { body: JSON.parse(response.body), link: `${response.headers.link}` };
  },
  async 'axios-retry'({ body: data, ...request }) {
    const response = await axios.request({ ...request, ...(data !== undefined && { data }) });
    return { body: response.data, link: response.headers.link };
  },
  'p-retry': ({ url, ...init }) =>
    pRetry(async () => {
      const response = await fetch(url, init);
      if (response.status === 404) throw new AbortError(response.statusText);
      if (!response.ok) throw new Error(response.statusText);
      return { body: await response.json(), link: response.headers.get('link') };
    }),
};

const ask = PEERS[process.argv[2] ?? ''];
if (!ask) {
  console.error(`peer-client: expected one of ${Object.keys(PEERS).join(', ')}, got ${process.argv[2]}`);
  process.exit(2);
}

const headers: Headers = {};
try {
  if (TOKEN_URL) headers.authorization = `Bearer ${await token(TOKEN_URL)}`;
  const paginations = PAGINATION.split(',');
  await Promise.all(
    RESOURCE.split(',').map((resource, index) =>
      TASK === 'list' ? list(resource, paginations[index]!) : write(resource),
    ),
  );
  say({ type: 'done', complete: true });
} catch (error) {
  say({ type: 'error', message: String(error) });
  say({ type: 'done', complete: false });
}

async function token(url: string): Promise<string> {
  const grant = REFRESH_TOKEN
    ? { grant_type: 'refresh_token', refresh_token: REFRESH_TOKEN }
    : { grant_type: 'client_credentials' };
  const form = new URLSearchParams({ ...grant, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return (await ask!({ method: 'POST', url, headers: type, body: `${form}` })).body.access_token;
}

async function list(resource: string, pagination: string): Promise<void> {
  const first = `${BASE_URL}/${resource}`;
  let url: string | undefined = first;
  for (let page = 1; url !== undefined; page += 1) {
    const { body, link }: Answer = await ask!({ method: 'GET', url, headers });
    const records = Array.isArray(body) ? body : body.data;
    for (const record of records) say({ type: 'record', resource, record });
    url = nextUrl(first, pagination, page, body, records, link);
  }
}

/** Each record under a key of its own, as providers recommend. */
async function write(resource: string): Promise<void> {
  const items = Array.from({ length: Number(TASK_COUNT) }, (_, index) => ({ name: `item ${index + 1}` }));
  const post = (path: string, body: object) =>
    ask!({
      method: 'POST',
      url: `${BASE_URL}/${resource}${path}`,
      headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify(body),
    });
  if (TASK === 'batch') await post('/batch', items);
  else for (const item of items) await post('', item);
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
