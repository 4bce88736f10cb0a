import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { answered, type Fetch, type Play, type Run, type Stage } from '../play.ts';
import { worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'token-cache',
  question:
    'Many workers, tokens that expire. One token request serves all of them, and it is made before the old token ends.',
  sliders: {
    workers: { label: 'Workers', min: 2, max: 40, step: 2, value: 16 },
    ttl: { label: 'A token lasts', unit: 's', min: 5, max: 60, step: 5, value: 15 },
    seconds: { label: 'They work for', unit: 's', min: 10, max: 60, step: 10, value: 40 },
  },
  world: ({ ttl = 1 }, seed) => worldOf({ seed, auth: { tokenTtlSeconds: ttl }, latency: { minMs: 100, maxMs: 400 } }),
  naive: (stage) => work(naive(stage.fetch), stage),
  steady: (stage) => work(steady(stage), stage),
  figures: (run) => [
    { value: `${tokenRequests(run)}`, label: 'token requests', tone: isHerd(run) ? 'bad' : 'good' },
    {
      value: `${answered(run, 'refused')}`,
      label: 'answers 401',
      tone: answered(run, 'refused') === 0 ? 'good' : 'bad',
    },
    { value: `${answered(run, 'ok') - tokenRequests(run)}`, label: 'calls answered', tone: 'plain' },
  ],
};

const TOKEN_URL = 'https://api.test/oauth/token';
const CLIENT = { clientId: 'demo-client', clientSecret: 'demo-secret' };

function naive(next: Fetch): Fetch {
  let token = '';
  return async (url, init) => {
    const send = () => next(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } });
    const response = await send();
    if (response.status !== 401) return response;
    const form = { grant_type: 'client_credentials', client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret };
    const answer = await next(TOKEN_URL, { method: 'POST', body: new URLSearchParams(form) });
    token = (await answer.json()).access_token;
    return send();
  };
}

function steady({ fetch, random, note }: Stage): Fetch {
  const cache = tokenCache({
    request: clientCredentials({ tokenUrl: TOKEN_URL, ...CLIENT, fetch }),
    random,
    onEvent: ({ type }) => note(type, 'shared by all workers'),
  });
  return bearer(cache, { origins: ['https://api.test'] })(fetch);
}

/** Each worker asks for something every other second. */
async function work(fetch: Fetch, { values, call, random, signal }: Stage): Promise<void> {
  const rounds = Math.floor(values.seconds! / 2);
  const worker = async (): Promise<void> => {
    for (let round = 0; round < rounds && !signal.aborted; round++) {
      await call((init) => fetch('https://api.test/items?limit=1', init));
      await new Promise((resolve) => setTimeout(resolve, 1_500 + random() * 500));
    }
  };
  await Promise.all(Array.from({ length: values.workers! }, worker));
}

function tokenRequests({ sends }: Run): number {
  return sends.filter(({ path }) => path === '/oauth/token').length;
}

/** Whether a token was asked for while another request for one was under way. */
function isHerd({ sends }: Run): boolean {
  const asked = sends.filter(({ path }) => path === '/oauth/token');
  return asked.some(({ atMs }, index) => index > 0 && atMs < (asked[index - 1]!.endMs ?? 0));
}
