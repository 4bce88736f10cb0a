import { afterEach, expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import type { Scenario } from '../scenario.ts';
import { scenario } from '../scenarios/index.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

it('tells a client where to go, as whom, and what to do', async () => {
  const { environment } = await open({ ...scenario('auth/refresh-token-rotation') });

  const { BASE_URL } = environment;
  expect(environment).toEqual({
    BASE_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    TOKEN_URL: `${BASE_URL}/oauth/token`,
    CLIENT_ID: 'demo-client',
    CLIENT_SECRET: 'demo-secret',
    REFRESH_TOKEN: 'first-refresh-token',
    RESOURCE: 'items',
    PAGINATION: 'cursor',
    TASK: 'list',
    TASK_COUNT: '0',
  });
});

it('names every resource with its pagination, and the task', async () => {
  const resources = { users: {}, items: { pagination: 'link' } } as const;

  expect((await open({ config: { auth: false, resources }, task: { batch: 9 } })).environment).toMatchObject({
    ...{
      RESOURCE: 'users,items',
      PAGINATION: 'cursor,link',
      TASK: 'batch',
      TASK_COUNT: '9',
      TOKEN_URL: '',
      CLIENT_ID: '',
    },
  });
});

const items = (settings: object): ConfigInput => ({ resources: { items: { records: 300, ...settings } } });

/** What each is met by, after requests that meet all but it. */
it.each<[string, ConfigInput, before: string[], by: string, Partial<Scenario>?]>([
  ['unavailable', { faults: [{ fault: 'unavailable', on: { calls: [2] } }] }, ['/items'], '/items'],
  ['short-page', items({ defects: [{ defect: 'short-page', on: { calls: [2] } }] }), ['/items'], '/items'],
  ['changes to items', items({ churn: { deletesPerRequest: 1 } }), ['/items'], '/items'],
  [
    'limit window',
    { limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 5, windowSeconds: 60 } }] },
    ['/items', '/items', '/items'],
    '/items',
  ],
  ['a page smaller than asked for', items({ pageSize: { overMax: 'cap' } }), ['/items?limit=100'], '/items?limit=200'],
  ['an answer with status 404', {}, ['/items'], '/nowhere', { showsAs: 404 }],
  ['a request that was answered', {}, ['/nowhere'], '/items'],
])('sees that a client meets %s, and when it does not', async (what, config, before, by, more) => {
  const { environment, occurrences } = await open({ config: { auth: false, ...config }, ...more });
  for (const path of before) await (await fetch(environment.BASE_URL + path)).text();
  expect(occurrences()).toEqual([{ what, met: false }]);

  await (await fetch(environment.BASE_URL + by)).text();
  expect(occurrences()).toEqual([{ what, met: true }]);
});

it('asks for no limit to be met where there is more to the day', async () => {
  const limits: ConfigInput['limits'] = [
    { kind: 'fixed-window', name: 'window', with: { limit: 5, windowSeconds: 60 } },
  ];
  const { occurrences } = await open({ config: { auth: false, limits, faults: [{ fault: 'hang' }] } });

  expect(occurrences().map(({ what }) => what)).toEqual(['hang']);
});

it('sees a token that is good no longer', async () => {
  const { environment, occurrences } = await open({ config: { auth: { revokeAfterRequests: 1 } } });
  const body = new URLSearchParams({
    ...{ grant_type: 'client_credentials', client_id: 'demo-client', client_secret: 'demo-secret' },
  });
  const { access_token: token } = await (await fetch(environment.TOKEN_URL!, { method: 'POST', body })).json();
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${environment.BASE_URL}/items`, { headers });
  expect(occurrences()).toMatchObject([{ met: false }]);

  await fetch(`${environment.BASE_URL}/items`, { headers });
  expect(occurrences()).toMatchObject([{ met: true }]);
});

it('listens where foreign links lead, and counts who follows', async () => {
  const opened = await open({ ...scenario('pagination/foreign-next'), config: { auth: false, ...foreign } });
  const { headers } = await fetch(`${opened.environment.BASE_URL}/items`);
  const [, next = ''] = /<([^>]+)>; rel="next"/.exec(headers.get('link')!)!;
  expect(new URL(next).origin).not.toBe(opened.environment.BASE_URL);
  expect(opened.strays).toBe(0);

  expect((await fetch(next)).status).toBe(200);
  expect(opened.strays).toBe(1);
});

const foreign: ConfigInput = items({ pagination: 'link', defects: [{ defect: 'foreign-next', on: { calls: [1] } }] });

async function open(more: Partial<Scenario>): Promise<Stage> {
  const plain: Scenario = {
    id: 'test/case',
    requirement: 'It works.',
    level: 'must',
    reference: 'this file',
    config: {},
  };
  stage = await openStage({ ...plain, ...more }, 1);
  return stage;
}
