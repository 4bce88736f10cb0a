import fc from 'fast-check';
import { expect, it } from 'vitest';
import { manualClock } from './clock.ts';
import { ConfigError, type ConfigInput } from './config.ts';
import { type PlannedFault, parsePlan, planLine } from './plan.ts';
import { createProvider, type ProviderOptions } from './provider.ts';

const FAULTS: ConfigInput['faults'] = [
  { fault: 'unavailable', on: { ratio: 0.3 }, with: { retryAfterSeconds: 2 } },
  { fault: 'reset', on: { route: 'GET /items', ratio: 0.3 }, with: { when: 'after' } },
  { fault: 'malformed-json', on: { ratio: 0.4 } },
  { fault: 'rate-limited', on: { calls: [3, 5] } },
];

it('gives the same answers when a recorded plan is replayed, whatever else is configured', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), PATHS, async (seed, paths) => {
      const lines: string[] = [];
      const met = await answers(paths, seed, { recordPlan: (fault) => void lines.push(planLine(fault)) }, FAULTS);
      const plan = parsePlan(lines.join(''));

      expect(await answers(paths, seed, { plan }, [])).toEqual(met);
      expect(await answers(paths, seed, { plan }, [{ fault: 'hang' }])).toEqual(met);
    }),
    { numRuns: 40 },
  );
});

it('delivers the same faults to a key, whatever the others do meanwhile', async () => {
  const asked = fc.tuple(fc.nat(), PATHS, fc.infiniteStream(fc.boolean()));
  await fc.assert(
    fc.asyncProperty(asked, async ([seed, paths, order]) => {
      const alone: PlannedFault[] = [];
      await answers(paths, seed, { recordPlan: (fault) => void alone.push(fault) }, FAULTS);
      const together: PlannedFault[] = [];
      const shuffled = paths.toSorted(() => (order.next().value ? 1 : -1));
      await answers(shuffled, seed, { recordPlan: (fault) => void together.push(fault) }, FAULTS);

      expect(sorted(together)).toEqual(sorted(alone));
    }),
    { numRuns: 40 },
  );
});

it.each([
  ['{"client":"a"', 'line 2: is not JSON'],
  ['{"client":"a","route":"GET /items","nth":0,"fault":"hang"}', 'line 2: nth: Too small: expected number to be >=1'],
  ['{"client":"a","route":"GET /items","nth":1,"fault":"hang","why":1}', 'line 2: why: is unknown'],
])('refuses the line %s', (line, reason) => {
  const good = planLine({ client: 'a', route: 'GET /items', nth: 1, fault: 'hang', with: {} });
  const refusal = () => parsePlan(good + line);

  expect(refusal).toThrow(ConfigError);
  expect(refusal).toThrow(reason);
});

const PATHS = fc.array(fc.constantFrom('/items', '/users', '/items/nothing'), { minLength: 1, maxLength: 15 });

/** Everything a client meets on the way, sent one after the other. */
async function answers(
  paths: readonly string[],
  seed: number,
  options: ProviderOptions,
  faults: ConfigInput['faults'],
) {
  const resources = { items: { records: 3 }, users: { records: 3 } };
  const provider = createProvider({ seed, auth: false, resources, faults }, { clock: manualClock(), ...options });
  const met: unknown[] = [];
  for (const path of paths) {
    const answer = await provider.fetch(`https://api.test${path}`).catch((error: Error) => error.message);
    met.push(typeof answer === 'string' ? answer : [answer.status, [...answer.headers], await answer.text()]);
  }
  return met;
}

function sorted(faults: readonly PlannedFault[]): PlannedFault[] {
  const key = ({ route, nth }: PlannedFault): string => `${route} ${String(nth).padStart(3, '0')}`;
  return faults.toSorted((one, other) => key(one).localeCompare(key(other)));
}
