/** The loop that everybody writes first, for the conformance suite: it tries no harder, and says that all is well. */
import { nextUrl } from './next-url.ts';

const { BASE_URL, TOKEN_URL, CLIENT_ID = '', CLIENT_SECRET = '', REFRESH_TOKEN, RESOURCE = '' } = process.env;
const { PAGINATION = '', TASK, TASK_COUNT, DEADLINE_MS } = process.env;

const headers: Record<string, string> = {};
if (TOKEN_URL) {
  const grant = REFRESH_TOKEN
    ? { grant_type: 'refresh_token', refresh_token: REFRESH_TOKEN }
    : { grant_type: 'client_credentials' };
  const body = new URLSearchParams({ ...grant, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  const token = await (await fetch(TOKEN_URL, { method: 'POST', body })).json();
  headers.authorization = `Bearer ${token.access_token}`;
}

const paginations = PAGINATION.split(',');
await Promise.all(RESOURCE.split(',').map(TASK === 'list' ? list : write));
say({ type: 'done', complete: true });

async function list(resource: string, index: number): Promise<void> {
  let url: string | undefined = `${BASE_URL}/${resource}`;
  for (let page = 1; url !== undefined; page += 1) {
    const response: Response = await ask(url);
    const body = await response.json();
    const records = Array.isArray(body) ? body : (body.data ?? []);
    for (const record of records) say({ type: 'record', resource, record });
    url = nextUrl(`${BASE_URL}/${resource}`, paginations[index]!, page, body, records, response.headers.get('link'));
  }
}

/** However often it takes, for something is bound to come. (That is ended here, in case nobody else can.) */
async function ask(url: string, init?: RequestInit): Promise<Response> {
  while (performance.now() < 2 * Number(DEADLINE_MS)) {
    try {
      const response = await fetch(url, { ...init, headers: { ...headers, ...init?.headers } });
      if (response.status !== 429 && response.status < 500) return response;
      await response.text();
    } catch {
      // Once more.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nothing came');
}

async function write(resource: string): Promise<void> {
  const items = Array.from({ length: Number(TASK_COUNT) }, (_, index) => ({ name: `item ${index + 1}` }));
  const post = (path: string, body: unknown) =>
    ask(`${BASE_URL}/${resource}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  if (TASK === 'batch') await post('/batch', items);
  else for (const item of items) await post('', item);
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
