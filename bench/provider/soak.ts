/** Mixed load with everything on, in search of what is never let go: `pnpm bench:soak [--minutes 10]`. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { parseArgs } from 'node:util';
import { everything } from './soak-config.ts';
import type { Held } from './soak-server.ts';

const WORKERS = 12;
/** Patience with a provider that never answers. */
const GIVE_UP_MS = 500;
const LOOKS = 12;
/** The first looks see caches fill; growth is judged from then on. */
const WARM_UP_LOOKS = 4;
/** What no two looks agree on, and what a record that was created and deleted leaves behind for the verdicts. */
const NOISE_BYTES = 1_000_000;
const MOST_BYTES_PER_REQUEST = 30;
/** The system gives back what was freed as it sees fit. */
const MOST_RSS_GROWTH_BYTES = 64_000_000;
const MOST_SHUTDOWN_MS = 1_000;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? 42);
if (!(minutes > 0)) throw new RangeError(`--minutes must be a number above 0, got ${values.minutes}`);

const server = fork(new URL('soak-server.ts', import.meta.url), { execArgv: ['--expose-gc'] });
const url = new URL(await asked<string>(server, { config: everything(seed) }));
const agent = new Agent({ keepAlive: true, maxSockets: WORKERS });
const outcomes = new Map<string, number>();
const looks: (Held & { readonly requests: number })[] = [];
const failures: string[] = [];

const atRest = await lookAt(server);
console.log(`seed ${seed}, ${minutes} minutes, ${WORKERS} workers at ${url.origin}`);
console.log('    time   requests   per s     RSS MB    heap MB   sockets   timers');
show(0, 0, atRest);
for (let look = 0; look < LOOKS; look += 1) {
  const startMs = performance.now();
  const before = total();
  await load((minutes * 60_000) / LOOKS);
  const perSecond = ((total() - before) / (performance.now() - startMs)) * 1_000;
  // Whatever was given up ends, and keys and tokens expire.
  agent.destroy();
  await pause(2_500);
  looks.push({ ...(await lookAt(server)), requests: total() });
  show(((look + 1) * minutes) / LOOKS, perSecond, looks.at(-1)!);
}

judge('sockets', 0, Math.max(...looks.map(({ sockets }) => sockets)));
judge('timers', atRest.timers, Math.max(...looks.map(({ timers }) => timers)));
const requests = growth((look) => look.requests);
judge(
  `heap growth in bytes over ${requests} requests`,
  NOISE_BYTES + requests * MOST_BYTES_PER_REQUEST,
  growth(({ heapBytes }) => heapBytes),
);
judge(
  'resident growth in bytes',
  MOST_RSS_GROWTH_BYTES,
  growth(({ rssBytes }) => rssBytes),
);
judge('server exits before its time', 0, server.exitCode === null ? 0 : 1);
judge('answers 500 that nobody configured', 0, outcomes.get('bug') ?? 0);
judge('milliseconds to shut down under load', MOST_SHUTDOWN_MS, await shutDown());
console.log(
  [...outcomes]
    .sort()
    .map(([outcome, count]) => `${outcome}: ${count}`)
    .join(', '),
);
if (failures.length > 0) {
  console.error(`LEAK: ${failures.join('; ')}`);
  process.exit(1);
}
console.log('no leak');

/** Everything a client does, for so long. */
async function load(forMs: number): Promise<void> {
  const untilMs = performance.now() + forMs;
  const work = async (worker: number): Promise<void> => {
    let token = '';
    for (let turn = worker; performance.now() < untilMs; turn += 1) token = (await act(turn, token)) ?? token;
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
}

/** One thing a client does; what it was granted, if it asked for a token. */
async function act(turn: number, token: string): Promise<string | undefined> {
  const kinds = ['cursor', 'offset', 'page-number', 'link', 'keyset', 'time-window'];
  const path = `/by-${kinds[turn % kinds.length]}`;
  const credential = turn % 5 === 0 ? 'soak-key' : token;
  const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json', 'user-agent': 'soak/1' };
  switch (turn % 12) {
    case 3: {
      const key = { ...headers, 'idempotency-key': `key-${turn % 997}` };
      const { body } = await send({ method: 'POST', path, headers: key }, `{"name":"soak ${turn % 997}"}`);
      const id = /"id":"(\w+)"/.exec(body)?.[1];
      if (id !== undefined) await send({ method: 'DELETE', path: `${path}/${id}`, headers });
      return undefined;
    }
    case 6: {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'soak',
        client_secret: 'soak-secret',
      });
      const type = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'soak/1' };
      const { body } = await send({ method: 'POST', path: '/oauth/token', headers: type }, `${form}`);
      return /"access_token":"([^"]+)"/.exec(body)?.[1];
    }
    case 9:
      await send({ method: 'POST', path: `${path}/batch`, headers }, '[{"id":"none"},{}]');
      return undefined;
    case 11:
      await send({ method: turn % 24 === 11 ? 'HEAD' : 'GET', path: `${path}?limit=nonsense`, headers });
      return undefined;
    default:
      await send({ method: 'GET', path: `${path}?limit=20`, headers });
      return undefined;
  }
}

/** Sends a request, reads what comes, and counts how it ended. */
async function send(options: RequestOptions, body = ''): Promise<{ readonly body: string }> {
  const { hostname, port } = url;
  const sent = request({ hostname, port, agent, signal: AbortSignal.timeout(GIVE_UP_MS), ...options });
  try {
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const isBug = response.statusCode === 500 && response.headers['x-fake-provider'] === undefined;
    count(isBug ? 'bug' : `${response.statusCode}`);
    return { body: text };
  } catch (error) {
    count((error as NodeJS.ErrnoException).code ?? 'error');
    return { body: '' };
  } finally {
    sent.on('error', () => {}).destroy();
  }
}

/** Ends the server in the middle of its work, and says how long it took. */
async function shutDown(): Promise<number> {
  const working = load(1_500);
  await pause(1_000);
  const startMs = performance.now();
  server.kill('SIGTERM');
  await once(server, 'exit');
  const tookMs = performance.now() - startMs;
  await working;
  agent.destroy();
  return Math.round(tookMs);
}

/** How much more there is at the end than after the warm-up, by the medians of both halves. */
function growth(of: (look: (typeof looks)[number]) => number): number {
  const warm = looks.slice(WARM_UP_LOOKS).map(of);
  const half = Math.floor(warm.length / 2);
  return median(warm.slice(-half)) - median(warm.slice(0, half));
}

function judge(what: string, most: number, found: number): void {
  const isKept = found <= most;
  console.log(
    `${isKept ? 'ok    ' : 'BROKEN'} ${what}: ${found.toLocaleString('en')} (at most ${most.toLocaleString('en')})`,
  );
  if (!isKept) failures.push(`${what}: ${found}, at most ${most}`);
}

function show(minute: number, perSecond: number, { rssBytes, heapBytes, sockets, timers }: Held): void {
  const cells = [
    `${minute.toFixed(1)} m`,
    `${total()}`,
    perSecond.toFixed(0),
    megabytes(rssBytes),
    megabytes(heapBytes),
  ];
  console.log([...cells, `${sockets}`, `${timers}`].map((cell) => cell.padStart(9)).join(' '));
}

function lookAt(child: ChildProcess): Promise<Held> {
  return asked<Held>(child, 'hold?');
}

async function asked<Answer>(child: ChildProcess, message: object | string): Promise<Answer> {
  const answer = once(child, 'message') as Promise<[Answer]>;
  child.send(message);
  return (await answer)[0];
}

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

function total(): number {
  return [...outcomes.values()].reduce((sum, each) => sum + each, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]!;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
