import type { Fetch } from './play.ts';

/** Asks again each second for as long as the answer is a 429. */
export function eachSecond(next: Fetch): Fetch {
  return async (url, init) => {
    for (;;) {
      const response = await next(url, init);
      if (response.status !== 429) return response;
      await response.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  };
}

/** Asks again at once, so many times. */
export function atOnce(next: Fetch, attempts: number): Fetch {
  return async (url, init) => {
    for (let attempt = 1; ; attempt++) {
      const response = await next(url, init);
      if (response.ok || attempt >= attempts) return response;
      await response.body?.cancel();
    }
  };
}
