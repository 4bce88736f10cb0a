import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { bearer, type Fetch } from './oauth.ts';
import { type TokenRequest, tokenCache } from './token-cache.ts';

it('never has two token requests at once, and one more at most for each token revoked', async () => {
  const calls = fc.integer({ min: 1, max: 12 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), calls, fc.nat({ max: 3 }), fc.boolean(), async (s, calls, revocations, isWarm) => {
      let valid = 0;
      let inFlight = 0;
      const issue = s.scheduleFunction(async (token: string) => token);
      const request = vi.fn<TokenRequest>(async () => {
        expect(++inFlight).toBe(1);
        const access_token = await issue(`${++valid}`);
        inFlight -= 1;
        return { access_token };
      });
      const judge = s.scheduleFunction(async (token: string) => (token === `Bearer ${valid}` ? 200 : 401));
      const api: Fetch = async (_input, init) =>
        new Response(null, { status: await judge(new Headers(init!.headers).get('authorization')!) });
      const cache = tokenCache({ request });
      if (isWarm) await s.waitFor(cache.get());

      const revoke = async () => {
        valid += 1;
      };
      s.scheduleSequence(Array(revocations).fill(revoke));
      const send = () => bearer(cache, { origins: ['https://api.test'] })(api)('https://api.test/');
      const answers = await s.waitFor(Promise.all(Array.from({ length: calls }, send)));

      expect(request.mock.calls.length).toBeLessThanOrEqual(1 + revocations);
      const isSureToPass = revocations === 0 || (isWarm && revocations === 1);
      if (isSureToPass) expect(answers.map(({ status }) => status)).toEqual(Array(calls).fill(200));
    }),
    { numRuns: 300 },
  );
});

it('lets callers leave at any moment without disturbing the others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }), async (s, leaves) => {
      const issue = s.scheduleFunction(async () => ({ access_token: 'issued' }));
      const request = vi.fn(() => issue());
      const cache = tokenCache({ request });
      const waits = leaves.map((isLeaving) => {
        const caller = new AbortController();
        if (isLeaving) s.schedule(Promise.resolve()).then(() => caller.abort('left'));
        return cache.get({ signal: caller.signal }).then(
          ({ value }) => value,
          (reason) => reason,
        );
      });

      const outcomes = await s.waitFor(Promise.all(waits));
      await s.waitFor(cache.get());

      outcomes.forEach((outcome, index) => {
        expect(leaves[index] ? ['issued', 'left'] : ['issued']).toContain(outcome);
      });
      expect(request).toHaveBeenCalledTimes(1);
    }),
    { numRuns: 300 },
  );
});
