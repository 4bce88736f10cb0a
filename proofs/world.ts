import { createProvider, type Provider, type ScenarioId, scenario, serve } from '@steadfetch/fake-provider';
import { it, vi } from 'vitest';

/** A provider in one of its scenarios, and how to reach it. */
export interface World {
  readonly provider: Provider;
  readonly baseUrl: string;
  /** Speaks to this provider only. */
  readonly fetch: typeof globalThis.fetch;
  /** Ends the world and gives back the platform's time. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to make a world of a scenario. */
export type Opener = (id: ScenarioId, seed?: number) => Promise<World>;

/** No socket, and time that jumps from one timer to the next: an hour takes milliseconds. */
const inVirtualTime: Opener = async (id, seed = 1) => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  vi.setTimerTickMode('nextTimerAsync');
  const provider = createProvider({ ...scenario(id).config, seed });
  return {
    provider,
    baseUrl: 'https://provider.test',
    fetch: provider.fetch,
    [Symbol.asyncDispose]: async () => void vi.useRealTimers(),
  };
};

/** A real server on a real port, and the platform's own `fetch`. */
const overHttp: Opener = async (id, seed = 1) => {
  const provider = createProvider({ ...scenario(id).config, seed });
  const server = await serve(provider);
  return { provider, baseUrl: server.url, fetch: globalThis.fetch, [Symbol.asyncDispose]: () => server.close() };
};

/** Both worlds, for `describe.each`. `it` is how tests run there: one after another, where there is one clock to take. */
export const WORLDS: readonly { readonly name: string; readonly open: Opener; readonly it: typeof it.concurrent }[] = [
  { name: 'in virtual time', open: inVirtualTime, it },
  { name: 'over HTTP', open: overHttp, it: it.concurrent },
];

/** The client that every scenario's provider knows. */
export const CLIENT = { clientId: 'demo-client', clientSecret: 'demo-secret' } as const;
