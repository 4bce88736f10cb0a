import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigInput, createProvider } from '@steadfetch/fake-provider';

/** A server to be measured: a command that listens on a port. */
export interface Contestant {
  readonly name: string;
  readonly command: (port: number) => readonly string[];
}

/** What every contestant is asked for. */
export const PATH = '/items?limit=100';

const CONFIG: ConfigInput = {
  auth: false,
  dialect: 'ietf',
  resources: { items: { records: 500_000, pagination: 'cursor' } },
  limits: [
    { kind: 'fixed-window', name: 'minute', with: { limit: 1_000_000_000, windowSeconds: 60 } },
    { kind: 'token-bucket', name: 'burst', with: { ratePerSecond: 1_000_000, burst: 1_000_000 } },
  ],
};

const folder = tmpdir();
const file = (name: string): string => join(folder, `steadfetch-bench-${name}`);
const local = (name: string): string => new URL(name, import.meta.url).pathname;
const bin = (name: string): string => new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname;

/** The provider with two limits, a dialect and its ledger, beside servers that answer with the same bytes. */
export async function contestants(): Promise<readonly Contestant[]> {
  const answer = await createProvider(CONFIG).fetch(`http://127.0.0.1${PATH}`);
  const body = await answer.text();
  const headers = Object.fromEntries(answer.headers);

  writeFileSync(file('config.json'), JSON.stringify(CONFIG));
  writeFileSync(file('answer.json'), JSON.stringify({ headers, body }));
  writeFileSync(file('mockoon.json'), JSON.stringify(mockoon(headers, body)));
  writeFileSync(file('openapi.json'), JSON.stringify(openapi(body)));
  return [
    {
      name: 'fake-provider',
      command: (port) => [
        'node',
        local('../../fake-provider/src/bin.ts'),
        'serve',
        '--config',
        file('config.json'),
        '--port',
        `${port}`,
        '--quiet',
      ],
    },
    { name: 'bare Express 5', command: (port) => ['node', local('bare-express.ts'), file('answer.json'), `${port}`] },
    {
      name: 'Mockoon CLI',
      command: (port) => [
        bin('mockoon-cli'),
        'start',
        '--data',
        file('mockoon.json'),
        '--port',
        `${port}`,
        '--disable-log-to-file',
      ],
    },
    {
      name: 'Prism',
      command: (port) => [bin('prism'), 'mock', '--host', '127.0.0.1', '--port', `${port}`, file('openapi.json')],
    },
  ];
}

function mockoon(headers: Readonly<Record<string, string>>, body: string): unknown {
  const response = {
    uuid: '11111111-1111-4111-8111-111111111111',
    body,
    latency: 0,
    statusCode: 200,
    label: '',
    headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
    bodyType: 'INLINE',
    filePath: '',
    databucketID: '',
    sendFileAsBody: false,
    rules: [],
    rulesOperator: 'OR',
    disableTemplating: true,
    fallbackTo404: false,
    default: true,
    crudKey: 'id',
    callbacks: [],
  };
  const uuid = '22222222-2222-4222-8222-222222222222';
  const route = {
    uuid,
    type: 'http',
    documentation: '',
    method: 'get',
    endpoint: 'items',
    responses: [response],
    responseMode: null,
    streamingMode: null,
    streamingInterval: 0,
  };
  return {
    uuid: '33333333-3333-4333-8333-333333333333',
    lastMigration: 33,
    name: 'bench',
    endpointPrefix: '',
    latency: 0,
    port: 3000,
    hostname: '127.0.0.1',
    folders: [],
    routes: [route],
    rootChildren: [{ type: 'route', uuid }],
    proxyMode: false,
    proxyHost: '',
    proxyRemovePrefix: false,
    tlsOptions: { enabled: false, type: 'CERT', pfxPath: '', certPath: '', keyPath: '', caPath: '', passphrase: '' },
    cors: false,
    headers: [],
    proxyReqHeaders: [],
    proxyResHeaders: [],
    data: [],
    callbacks: [],
  };
}

function openapi(body: string): unknown {
  const content = { 'application/json': { schema: { type: 'object' }, example: JSON.parse(body) } };
  return {
    openapi: '3.0.3',
    info: { title: 'bench', version: '1' },
    paths: { '/items': { get: { responses: { 200: { description: 'a page', content } } } } },
  };
}
