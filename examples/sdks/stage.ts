/** What all SDK examples share: a provider on a bad day, and a look at what became of them there. */
import { type ConfigInput, createProvider, type Provider, serve } from '@steadfetch/fake-provider';
import type { ResilientClientOptions } from '../resilient-client.ts';

/** A fault as a configuration has it. */
export type FaultInput = NonNullable<ConfigInput['faults']>[number];

/** An SDK at work. */
export interface SdkExample {
  /** The provider it meets, but for its bad day. */
  readonly config: ConfigInput;
  /** What it lists and creates, as the provider calls it. */
  readonly resource: string;
  /** The routes it does that by. */
  readonly list: string;
  readonly create: string;
  /** Whether the provider carries out a write once for each idempotency key, so that any write may be sent again. */
  readonly takesKeys: boolean;
  /** How its answer to a throttled request says how long to stay away. @defaultValue `'seconds'` */
  readonly retryAfterAs?: 'seconds' | 'absent';
  /** Hands the SDK a hardened `fetch`, lists everything, and creates a record for each of {@link NAMES}. */
  run(client: ResilientClientOptions): Promise<Outcome>;
}

/** What an SDK handed back. */
export interface Outcome {
  readonly listed: readonly { readonly id: string }[];
  /** The ids of what it created. */
  readonly created: readonly string[];
}

/** Where an example runs: a provider on a real port, and what there is to know of it. */
export interface Stage {
  readonly provider: Provider;
  /** What {@link SdkExample.run} takes. */
  readonly client: ResilientClientOptions;
  /** How many records there were at first. */
  readonly before: number;
  /** How often the hardened `fetch` sent a request again, and how often it let one fail. */
  tally(): { readonly retries: number; readonly failures: number };
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the examples create, one record each. */
export const NAMES: readonly string[] = ['amber anchor', 'blue basin', 'coral cove'];

/** How many records the examples list: three pages. */
export const RECORDS = 250;

/** Sets the stage for an example; other faults, if any, come before those of the bad day. */
export async function setStage(example: SdkExample, faults: readonly FaultInput[] = []): Promise<Stage> {
  const provider = createProvider({ ...BAD_DAY, ...example.config, faults: [...faults, ...faultsFor(example)] });
  const server = await serve(provider);
  const tally = { retries: 0, failures: 0 };
  return {
    provider,
    client: {
      origin: server.url,
      clientId: 'demo-client',
      clientSecret: 'demo-secret',
      onRetry({ type }) {
        tally[type === 'retry' ? 'retries' : 'failures'] += 1;
      },
    },
    before: provider.resource(example.resource).size,
    tally: () => tally,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Runs an example, and prints what it did and what it went through. */
export async function show(example: SdkExample): Promise<void> {
  await using stage = await setStage(example);
  const { provider, client } = stage;
  const { listed, created } = await example.run(client);

  const { lost, duplicated } = provider.judge(example.resource, listed);
  const { requests, tokenRequests } = provider.ledger.tally();
  console.log(`listed ${listed.length} (${lost.length} lost, ${duplicated.length} doubled)`);
  console.log(`created ${created.join(', ')}`);
  console.table({
    requests,
    throttled: strikes(provider, 'rate-limited'),
    '503': strikes(provider, 'unavailable'),
    'answers lost': strikes(provider, 'reset'),
    '401': statuses(provider, 401),
    retries: stage.tally().retries,
    'token refreshes': tokenRequests - 1,
  });
}

/** How many requests a fault struck. */
export function strikes({ ledger }: Provider, fault: string): number {
  return ledger.entries.filter(({ simulated }) => simulated === fault).length;
}

/** How many requests were answered by a status. */
export function statuses({ ledger }: Provider, status: number): number {
  return ledger.entries.filter((entry) => entry.status === status).length;
}

/** Tokens end after a second, however long they were said to live. */
const BAD_DAY: ConfigInput = { auth: { tokenTtlSeconds: 1, expiresIn: 'wrong' } };

/** Both routes fail for a moment. Where keys are taken, a write is also done without its answer getting through. */
function faultsFor({ list, create, takesKeys, retryAfterAs = 'seconds' }: SdkExample): FaultInput[] {
  const throttling = (route: string, call: number): FaultInput => ({
    fault: 'rate-limited',
    on: { route, calls: [call] },
    with: { retryAfterAs },
  });
  const all = [
    { fault: 'unavailable' as const, on: { route: list, calls: [1] } },
    throttling(list, 2),
    throttling(create, 1),
  ];
  if (!takesKeys) return all;
  return [
    ...all,
    { fault: 'unavailable', on: { route: create, calls: [2] } },
    { fault: 'reset', on: { route: create, calls: [3] }, with: { when: 'after' } },
  ];
}
