/** How each library retries if nobody tells it otherwise. */

import { StandardRetryStrategy } from '@smithy/core/retry';
import { backoff } from '@steadfetch/backoff';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { retry as cockatielRetry, ExponentialBackoff, handleAll } from 'cockatiel';
import { Effect, Schedule } from 'effect';
import got from 'got';
import ky from 'ky';
import pRetry from 'p-retry';
import { stubTransport } from './stub-transport.ts';

/** Sends once. */
export type Send = () => Promise<Response>;

/** Sends until it worked, or throws or returns the last answer. */
export type Retry = (send: Send) => Promise<unknown>;

/** A library, and how it is set up. */
export interface Retrier {
  readonly name: string;
  /** One client's, with whatever it remembers. Sends so often at most; as often as it would by itself, if left out. */
  readonly make: (attempts?: number) => Retry;
}

export const URL_ASKED = 'https://api.test/row';

export const backoffRetrier = (name: string, options: Parameters<typeof backoff>[0]): Retrier => ({
  name,
  make: (attempts) => {
    const policy = backoff({ ...options, ...(attempts && { attempts, budget: false }) });
    return (send) => policy(send)(URL_ASKED, { method: 'PUT' });
  },
});

/** The peers, each with the waits it has by default or, where it has none, that its documentation shows. */
export const peers: readonly Retrier[] = [
  {
    name: 'AWS SDK, standard',
    make: (attempts = 3) => {
      const strategy = new StandardRetryStrategy(attempts);
      return async (send) => {
        let token = await strategy.acquireInitialRetryToken('');
        for (;;) {
          const response = await send();
          if (response.ok) return strategy.recordSuccess(token);
          token = await strategy.refreshRetryTokenForRetry(token, { errorType: 'TRANSIENT' });
        }
      };
    },
  },
  {
    name: 'cockatiel, ExponentialBackoff',
    make: (attempts = 4) => {
      const policy = cockatielRetry(handleAll, { maxAttempts: attempts - 1, backoff: new ExponentialBackoff() });
      return (send) => policy.execute(throwing(send));
    },
  },
  {
    name: 'p-retry',
    make:
      (attempts = 11) =>
      (send) =>
        pRetry(throwing(send), { retries: attempts - 1 }),
  },
  {
    name: 'effect, exponential from 100 ms',
    make: (attempts = 4) => {
      const retried = Effect.retry({ times: attempts - 1, schedule: Schedule.exponential('100 millis') });
      return (send) => Effect.runPromise(Effect.tryPromise(throwing(send)).pipe(retried));
    },
  },
  {
    name: 'axios-retry',
    make: (attempts = 4) => {
      const client = axios.create();
      axiosRetry(client, { retries: attempts - 1 });
      return (send) =>
        client.put(URL_ASKED, undefined, {
          adapter: async (config) => {
            const { status } = await send();
            const response = { data: '', status, statusText: '', headers: {}, config };
            if (status < 400) return response;
            throw new axios.AxiosError(`${status}`, axios.AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
          },
        });
    },
  },
  {
    name: 'ky',
    make: (attempts = 3) => {
      const options = { retry: { limit: attempts - 1 }, timeout: false } as const;
      return (send) => ky.put(URL_ASKED, { ...options, fetch: send });
    },
  },
  {
    name: 'got',
    make: (attempts = 3) => {
      const options = { retry: { limit: attempts - 1 } };
      return (send) => got.put(URL_ASKED, { ...options, request: stubTransport(async () => (await send()).status) });
    },
  },
];

function throwing(send: Send): () => Promise<Response> {
  return async () => {
    const response = await send();
    if (!response.ok) throw new Error(`${response.status}`);
    return response;
  };
}
