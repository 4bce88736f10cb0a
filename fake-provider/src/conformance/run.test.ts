import { expect, it } from 'vitest';
import { scenarios } from '../scenarios/index.ts';
import { type CaseResult, isBlocking } from './report.ts';
import { cases, exitCodeOf, runConformance } from './run.ts';

/** Reads the first page, and says that this is all. */
const HASTY = `fetch(process.env.BASE_URL + '/items').then((response) => response.json()).then(({ data }) => {
  for (const record of data) console.log(JSON.stringify({ type: 'record', record }));
  console.log(process.env.SEED, process.env.CASE_ID, process.env.DEADLINE_MS);
  console.log('{"type":"done","complete":true}');
})`;

it('runs every scenario that one run can show something of', () => {
  const left = (scenarios as readonly { id: string }[]).filter(({ id }) => !cases.some((each) => each.id === id));

  expect(left.map(({ id }) => id)).toEqual(['pagination/late-commits']);
});

it('tells what each case came to, in the order of their ids', async () => {
  const begun: string[] = [];
  const ended: string[] = [];
  const report = await runConformance({
    ...{ client: client(HASTY), cases: ['pagination/{ties,cursor-churn}', 'wire/html-*'], seed: 7 },
    onStart: (id) => begun.push(id),
    onResult: ({ id }) => ended.push(id),
  });

  expect(report).toMatchObject({ format: 1, seed: 7, passed: false, interrupted: false, notRun: [] });
  expect(report.cases.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
    'pagination/cursor-churn fail',
    'pagination/ties fail',
    'wire/html-error-page fail',
  ]);
  expect(begun.toSorted()).toEqual(ended.toSorted());
  expect(report.cases[0]).toMatchObject({
    requests: { requests: 1 },
    delivered: 100,
    replay: expect.stringMatching(/^fake-provider conformance --case pagination\/cursor-churn --seed 7 -- \S+ -e '/),
    log: [`${report.cases[0]!.seed} pagination/cursor-churn 30000`],
  });
  expect(exitCodeOf(report)).toBe(1);
});

it.each([
  ['passes a client that goes on where a page was cut off, from that instant', 0, 'pass'],
  ['fails one that goes on a moment later', 1, 'fail'],
])('%s', async (_what, laterMs, verdict) => {
  const report = await runConformance({ client: client(stepping(laterMs)), cases: ['pagination/window-cut-off'] });

  expect(report.cases.map((each) => each.verdict)).toEqual([verdict]);
});

/** Reads from the instant of the last record on, or so much later, and drops what it has. */
function stepping(laterMs: number): string {
  return `(async () => {
    const seen = new Set();
    for (let from = '2000-01-01T00:00:00Z', more = true; more; ) {
      const response = await fetch(process.env.BASE_URL + '/items?limit=100&created_from=' + from);
      const { data, has_more } = await response.json();
      for (const record of data) {
        if (!seen.has(record.id)) console.log(JSON.stringify({ type: 'record', record }));
        seen.add(record.id);
      }
      more = has_more;
      from = new Date(Date.parse(data.at(-1)?.created_at) + ${laterMs}).toISOString();
    }
    console.log('{"type":"done","complete":true}');
  })()`;
}

it('gives each case the same bad day again, whichever others are run', async () => {
  const seedsOf = async (...globs: string[]) => {
    const report = await runConformance({ client: client('0'), cases: globs, seed: 3 });
    return new Map(report.cases.map(({ id, seed }) => [id, seed]));
  };
  const [alone, together] = await Promise.all([seedsOf('wire/reset'), seedsOf('wire/re*', 'wire/hang')]);

  expect(together.get('wire/reset')).toBe(alone.get('wire/reset'));
  expect(together.get('wire/hang')).not.toBe(together.get('wire/reset'));
});

it('tells a client that never asked from one that fails', async () => {
  const silent = await runConformance({ client: client('0'), cases: ['wire/reset'] });

  expect(exitCodeOf(silent)).toBe(3);
});

it('lets known failures pass, and fails one that is none', () => {
  const known: CaseResult = { ...PLAIN, verdict: 'fail', weight: 'must', isKnownFailing: true };
  const cured: CaseResult = { ...PLAIN, verdict: 'pass', isKnownFailing: true };

  expect([known, cured, PLAIN].map((each) => isBlocking(each))).toEqual([false, true, false]);
});

it('lets a should that is broken stand in nobody’s way', () => {
  expect(isBlocking({ ...PLAIN, verdict: 'fail', weight: 'should' })).toBe(false);
  expect(isBlocking({ ...PLAIN, verdict: 'inconclusive', weight: 'must' })).toBe(true);
});

it('ends clients when it is interrupted, and tells what it has', async () => {
  const interruption = new AbortController();
  const report = await runConformance({
    client: client('setInterval(() => {}, 1000)'),
    cases: ['wire/*'],
    concurrency: 2,
    signal: interruption.signal,
    onStart: () => interruption.abort(),
  });

  expect(report).toMatchObject({ interrupted: true, passed: false, cases: [] });
  expect(report.notRun).toHaveLength(6);
});

it.each([
  [{ cases: ['nothing/**'] }, /^--case nothing\/\*\* matches no case; there are auth\//],
  [{ knownFailing: ['wire/nothing'] }, /^--known-failing names wire\/nothing, and there is no such case$/],
  [{ client: [] }, /^client must be a program/],
])('refuses %j', async (options, reason) => {
  await expect(runConformance({ client: client('0'), ...options })).rejects.toThrow(reason);
});

const PLAIN: CaseResult = {
  ...{ id: 'wire/reset', requirement: 'It works.', level: 'must', reference: 'this file', verdict: 'pass' },
  ...{ isKnownFailing: false, findings: [], seed: 1, replay: '', durationMs: 1, delivered: 0, log: [] },
  requests: { requests: 1, throttled: 0, failed: 0, tokenRequests: 0 },
};

function client(script: string): string[] {
  return [process.execPath, '-e', script];
}
