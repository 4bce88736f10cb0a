import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider, type Provider } from '../provider.ts';
import type { Scenario } from '../scenario.ts';
import type { ClientEnd } from './client.ts';
import { type CaseJudgement, judgeCase } from './judge.ts';
import { createListener } from './protocol.ts';
import type { Occurrence } from './stage.ts';

const COMPLETE = '{"type":"done","complete":true}';
const INCOMPLETE = '{"type":"done","complete":false}';

describe('data', () => {
  it('passes who delivers each record once, and says that all is there', async () => {
    expect(await judged({ says: (records) => [...records, COMPLETE] })).toEqual({
      verdict: 'pass',
      weight: undefined,
      findings: [],
    });
  });

  it('fails who says that all is there when it is not', async () => {
    const { verdict, weight, findings } = await judged({ says: (records) => [...records.slice(3), COMPLETE] });

    expect({ verdict, weight }).toEqual({ verdict: 'fail', weight: 'must' });
    expect(findings).toEqual([
      {
        rule: 'data',
        weight: 'must',
        expected: '20 of items, each once, as it is',
        actual: expect.stringMatching(/^says that all is there, and lost 3 \(ite_/),
      },
    ]);
  });

  it('calls it an honest failure where a client says that it could not finish', async () => {
    const says = (records: string[]) => [
      ...records.slice(3),
      '{"type":"error","message":"stopped by a 500"}',
      INCOMPLETE,
    ];
    const { verdict, weight, findings } = await judged({ says, level: 'should' });

    expect({ verdict, weight }).toEqual({ verdict: 'honest-fail', weight: 'should' });
    expect(findings[0]).toMatchObject({
      rule: 'complete',
      actual: 'says that it could not finish; 3 of items are missing',
      why: 'stopped by a 500',
    });
  });

  it('passes the same where nobody could finish', async () => {
    const says = (records: string[]) => [...records.slice(3), INCOMPLETE];

    expect(await judged({ says, mayGiveUp: true })).toMatchObject({ verdict: 'pass', findings: [] });
  });

  it('fails a false claim even where nobody could finish', async () => {
    const says = (records: string[]) => [...records.slice(3), COMPLETE];

    expect(await judged({ says, mayGiveUp: true })).toMatchObject({ verdict: 'fail', weight: 'must' });
  });

  it.each([
    ['a record twice', (records: string[]) => [...records, records[0]!], /^duplicated 1 \(/],
    [
      'a record that is not what was sent',
      ([first = '', ...others]: string[]) => [first.replace(/"name":"[^"]+"/, '"name":"other"'), ...others],
      /^corrupted 1 \(/,
    ],
    [
      'a record that never was',
      (records: string[]) => [...records, '{"type":"record","record":{"id":"x"}}'],
      /^invented 1 \(x\)$/,
    ],
  ])('excuses %s by no admission', async (_what, deliver, actual) => {
    const says = (records: string[]) => [...deliver(records), INCOMPLETE];

    const { verdict, findings } = await judged({ says, mayGiveUp: true });

    expect(verdict).toBe('fail');
    expect(findings[0]).toMatchObject({ rule: 'data', weight: 'must', actual: expect.stringMatching(actual) });
  });
});

describe('occasion', () => {
  const unmet = [{ what: 'hang', met: false }];

  it('is inconclusive, and no pass, where what the case is about never came', async () => {
    const { verdict, weight, findings } = await judged({
      says: (records) => [...records, COMPLETE],
      occurrences: unmet,
    });

    expect({ verdict, weight }).toEqual({ verdict: 'inconclusive', weight: 'must' });
    expect(findings[0]).toMatchObject({ rule: 'occasion', expected: 'the client to meet hang' });
  });

  it('fails losses all the same', async () => {
    expect(await judged({ says: () => [COMPLETE], occurrences: unmet })).toMatchObject({ verdict: 'fail' });
  });

  it('is inconclusive where a client gives up before it met anything', async () => {
    const admitted = { says: () => [INCOMPLETE], occurrences: unmet };

    expect(await judged(admitted)).toMatchObject({ verdict: 'inconclusive' });
    expect(await judged({ ...admitted, mayGiveUp: true })).toMatchObject({ verdict: 'inconclusive' });
  });

  it('takes for an honest failure who met some of it, and gave up', async () => {
    const occurrences = [...unmet, { what: 'reset', met: true }];

    expect(await judged({ says: () => [INCOMPLETE], occurrences })).toMatchObject({ verdict: 'honest-fail' });
  });
});

describe('the way it ended', () => {
  it('fails who had to be ended', async () => {
    const { verdict, findings } = await judged({
      says: (records) => records,
      end: { endedFor: 'deadline', exitCode: undefined, signal: 'SIGKILL' },
      mayGiveUp: true,
    });

    expect(verdict).toBe('fail');
    expect(findings[0]).toMatchObject({ rule: 'deadline', weight: 'must', expected: 'an end within 5 s' });
  });

  it('fails who ends well without a word', async () => {
    const { verdict, findings } = await judged({ says: (records) => records });

    expect(verdict).toBe('fail');
    expect(findings).toMatchObject([{ rule: 'done', weight: 'must', actual: 'none, and exit code 0' }]);
  });

  it('takes exit code 0 for a claim that all is there', async () => {
    const { findings } = await judged({ says: (records) => records.slice(3) });

    expect(findings.map(({ rule }) => rule)).toEqual(['done', 'data']);
  });

  it('takes a crash for an admission', async () => {
    const crash = { exitCode: 1 };

    expect(await judged({ says: () => [], end: crash })).toMatchObject({ verdict: 'honest-fail' });
    expect(await judged({ says: () => [], end: crash, mayGiveUp: true })).toMatchObject({
      verdict: 'pass',
      findings: [{ rule: 'done', weight: 'note' }],
    });
  });

  it('names a malformed line, and fails', async () => {
    const { verdict, findings } = await judged({
      says: (records) => [...records, '{"type":"done"}', COMPLETE],
    });

    expect(verdict).toBe('fail');
    expect(findings[0]).toMatchObject({
      rule: 'protocol',
      actual: expect.stringMatching(/^{"type":"done"}: complete: /),
    });
  });

  it('fails who never asked, unless it says that this is beyond it', async () => {
    const silent = { ask: async () => [], occurrences: [{ what: 'hang', met: false }] };

    expect((await judged({ ...silent, says: () => [] })).findings).toContainEqual(
      expect.objectContaining({ rule: 'connection', weight: 'must' }),
    );
    expect(await judged({ ...silent, says: () => [INCOMPLETE] })).toMatchObject({ verdict: 'inconclusive' });
  });
});

describe('traffic', () => {
  const anonymous = { headers: { 'user-agent': '' } };

  it('only notes a breach of manners that the case is not about', async () => {
    const { verdict, findings } = await judged({ says: (records) => [...records, COMPLETE], init: anonymous });

    expect(verdict).toBe('pass');
    expect(findings).toMatchObject([{ rule: 'user-agent', weight: 'note' }]);
  });

  it.each(['must', 'should'] as const)('weighs one that it is about as it weighs itself: %s', async (level) => {
    const says = (records: string[]) => [...records, COMPLETE];

    const judgement = await judged({ says, init: anonymous, manners: ['user-agent'], level });

    expect(judgement).toMatchObject({ verdict: 'fail', weight: level, findings: [{ rule: 'user-agent' }] });
  });

  it('takes a return before Retry-After for a must on any day', async () => {
    const { verdict, findings } = await judged({
      says: (records) => [...records, COMPLETE],
      config: { faults: [{ fault: 'rate-limited', on: { calls: [1] } }] },
      level: 'should',
    });

    expect(verdict).toBe('fail');
    expect(findings).toMatchObject([{ rule: 'retry-after', weight: 'must', requests: [1, 2] }]);
  });

  it('counts refusals where a client is told how many requests are left', async () => {
    const days = {
      says: (records: string[]) => [...records, COMPLETE],
      config: {
        faults: [{ fault: 'rate-limited', on: { calls: [1] }, with: { retryAfterAs: 'zero' } }],
      } as ConfigInput,
    };

    expect(await judged({ ...days, refusedAtMost: 1 })).toMatchObject({ verdict: 'pass' });
    expect(await judged({ ...days, refusedAtMost: 0 })).toMatchObject({
      verdict: 'fail',
      findings: [{ rule: 'limits', actual: '1' }],
    });
  });

  it('fails who went where a link led', async () => {
    expect(await judged({ says: (records) => [...records, COMPLETE], strays: 2 })).toMatchObject({
      verdict: 'fail',
      findings: [{ rule: 'origin', actual: '2 to another origin, where a link led' }],
    });
  });
});

describe('writes', () => {
  const creates = (...names: string[]) => ({
    config: { resources: { items: { records: 0, batch: { poison: { names: ['item 2'] } } } } } as ConfigInput,
    task: { create: 3 } as const,
    ask: async ({ fetch }: Provider) => {
      const headers = { 'content-type': 'application/json' };
      for (const name of names) {
        await fetch('https://provider.test/items', { method: 'POST', headers, body: JSON.stringify({ name }) });
      }
      return [];
    },
  });

  it('passes who made each record once', async () => {
    const made = creates('item 1', 'item 2', 'item 3');

    expect(await judged({ ...made, says: () => [COMPLETE] })).toMatchObject({ verdict: 'pass' });
  });

  it.each([
    ['twice', ['item 1', 'item 1', 'item 2', 'item 3'], 'duplicated 1 (item 1)'],
    ['not at all', ['item 1', 'item 3'], 'lost 1 (item 2)'],
    ['that nobody asked for', ['item 1', 'item 2', 'item 3', 'item 4'], 'invented 1 (item 4)'],
  ])('fails who made a record %s', async (_how, names, actual) => {
    const { verdict, findings } = await judged({ ...creates(...names), says: () => [COMPLETE] });

    expect(verdict).toBe('fail');
    expect(findings[0]).toMatchObject({ rule: 'data', actual: `says that all is there, and ${actual}` });
  });

  it('fails who tells of a record that was never made', async () => {
    const says = () => ['{"type":"record","record":{"id":"ite_1"}}', COMPLETE];

    expect(await judged({ ...creates('item 1', 'item 2', 'item 3'), says })).toMatchObject({ verdict: 'fail' });
  });

  it('lets go of an item that no batch can hold, and of no other', async () => {
    const admitted = { says: () => [INCOMPLETE], mayGiveUp: true } as const;

    expect(await judged({ ...creates('item 1', 'item 3'), ...admitted })).toMatchObject({ verdict: 'pass' });
    expect(await judged({ ...creates('item 1'), ...admitted })).toMatchObject({ verdict: 'honest-fail' });
  });
});

interface Case extends Partial<Omit<Scenario, 'config'>> {
  /** What the client prints, made from a line for each record. */
  readonly says: (records: string[]) => string[];
  readonly config?: ConfigInput;
  readonly init?: RequestInit;
  readonly ask?: (provider: Provider) => Promise<string[]>;
  readonly occurrences?: readonly Occurrence[];
  readonly strays?: number;
  readonly end?: Partial<ClientEnd>;
}

/** Asks for twenty records, until they are given, and judges what is made of them. */
async function judged(told: Case): Promise<CaseJudgement> {
  const { says, config, init, occurrences = [{ what: 'hang', met: true }], strays = 0, end, ...scenario } = told;
  const provider = createProvider({
    ...{ auth: false, clock: 'manual', resources: { items: { records: 20 } } },
    ...config,
  });
  const list = async (): Promise<string[]> => {
    const answer = await provider.fetch('https://provider.test/items', init);
    const { data } = await answer.json();
    if (!answer.ok) return list();
    return data.map((record: object) => JSON.stringify({ type: 'record', record }));
  };
  const words = createListener(['items']);
  for (const line of says(await (told.ask ?? list)(provider))) words.hear(line);
  const scenarioOfTest: Scenario = {
    ...{ id: 'test/case', requirement: 'It works.', level: 'must', reference: 'this file', config: {} },
    ...scenario,
  };
  return judgeCase(scenarioOfTest, {
    ...{ provider, resources: ['items'], occurrences, strays, words, deadlineMs: 5_000 },
    end: { exitCode: 0, signal: undefined, endedFor: undefined, durationMs: 1, ...end },
  });
}
