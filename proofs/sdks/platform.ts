import { type ConfigInput, createProvider, type Provider, serve } from '@steadfetch/fake-provider';

/** A provider on a real port, where an SDK finds it. */
export interface Host {
  readonly provider: Provider;
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** An access token, as the endpoint at `path` gives it out. */
  token(path: string): Promise<string>;
  /** The requests after the first so many: the method, the route and the status. */
  requests(after?: number): string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A platform's profile, served over HTTP, and a credential for it. */
export interface Platform extends Omit<Host, 'token' | 'requests'> {
  readonly token: string;
  /** What was answered so far, the token request left out. */
  statuses(): number[];
}

/** Serves what a test sets. */
export async function start(config: ConfigInput): Promise<Host> {
  const provider = createProvider(config);
  const server = await serve(provider);
  const isJson = config.profile === 'notion';
  return {
    provider,
    url: server.url,
    port: Number(new URL(server.url).port),
    async token(path) {
      const fields = { grant_type: 'client_credentials', client_id: 'demo-client', client_secret: 'demo-secret' };
      const response = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': isJson ? 'application/json' : 'application/x-www-form-urlencoded' },
        body: isJson ? JSON.stringify(fields) : `${new URLSearchParams(fields)}`,
      });
      return ((await response.json()) as { access_token: string }).access_token;
    },
    requests: (after = 0) => provider.ledger.entries.slice(after).map(({ route, status }) => `${route} ${status}`),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Serves a profile, with what a test sets otherwise. */
export async function platform(
  profile: NonNullable<ConfigInput['profile']>,
  tokenPath: string,
  config: ConfigInput = {},
): Promise<Platform> {
  const host = await start({ ...config, profile });
  const token = await host.token(tokenPath);
  const before = host.provider.ledger.entries.length;
  return { ...host, token, statuses: () => host.provider.ledger.entries.slice(before).map(({ status }) => status) };
}

/** Every id of a resource, in the order of its listing. */
export function idsOf({ provider }: Host, resource: string): string[] {
  const { size, slice } = provider.resource(resource);
  return slice(0, size).map(({ id }) => id);
}
