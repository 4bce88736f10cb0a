import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type BatchOptions, readStatuses } from './batch.ts';
import { readAnswer } from './platforms.ts';

const READERS = { statuses: readStatuses, ...readAnswer };

/** An answer of each platform's shape, what was sent, and what became of it. */
const ANSWERS: readonly [keyof typeof READERS, string, unknown[], number, unknown, string[] | undefined][] = [
  [
    'statuses',
    'a list',
    [1, 2, 3],
    207,
    [{ status: 201 }, { status: 404 }, { status: 503 }],
    ['done', 'failed', 'retry'],
  ],
  ['statuses', 'a list within', [1, 2], 200, { results: [{ status: 424 }, { status: 200 }] }, ['retry', 'done']],
  ['statuses', 'another kind of list', [1, 2], 200, [{ status: 'ok' }, { status: null }], ['unknown', 'unknown']],
  ['statuses', 'what is no entry', [1, 2, 3], 200, [{ id: 7 }, null, 200], ['unknown', 'unknown', 'unknown']],
  [
    'statuses',
    'another order',
    [1, 2],
    200,
    [
      { index: 1, status: 200 },
      { index: 0, status: 400 },
    ],
    ['', ''],
  ],
  [
    'statuses',
    'places',
    [1, 2],
    200,
    [
      { index: 0, status: 200 },
      { index: 1, status: 400 },
    ],
    ['done', 'failed'],
  ],
  ['statuses', 'statuses that do not tell', [1, 2], 200, [{ status: 500 }, { status: 408 }], ['unknown', 'unknown']],
  ['statuses', 'too short a list', [1, 2], 200, [{ status: 200 }], undefined],
  ['statuses', 'two lists', [1], 200, { results: [{ status: 200 }], errors: [] }, undefined],
  ['statuses', 'no list', [1], 200, { ok: true }, undefined],
  ['statuses', 'a refusal', [1], 400, { errors: [{ status: 200 }] }, undefined],
  ['statuses', 'no JSON', [1], 200, undefined, undefined],

  [
    'list',
    'statuses',
    [1, 2, 3],
    207,
    [{ status: 201 }, { status: 404 }, { status: 503 }],
    ['done', 'failed', 'retry'],
  ],
  [
    'list',
    'another list',
    [1, 2],
    200,
    { results: [{ httpStatusCode: 200 }, { httpStatusCode: 424 }] },
    ['done', 'retry'],
  ],
  [
    'list',
    'places',
    [1, 2, 3],
    200,
    {
      rows: [
        { index: 2, status: 200 },
        { index: 0, status: 409 },
      ],
    },
    ['failed', '', 'done'],
  ],
  [
    'list',
    'places counted from 1',
    [1, 2],
    200,
    [
      { index: 1, status: 400 },
      { index: 2, status: 200 },
    ],
    undefined,
  ],
  [
    'list',
    'flags',
    [1, 2, 3],
    200,
    [{ success: true }, { success: false }, { error: 'x' }],
    ['done', 'failed', 'failed'],
  ],
  ['list', 'entries that do not tell', [1, 2], 200, [{ id: 7 }, null], ['unknown', 'unknown']],
  ['list', 'statuses that do not tell', [1, 2], 200, [{ status: 500 }, { status: 408 }], ['unknown', 'unknown']],
  ['list', 'too short a list', [1, 2], 200, [{ status: 200 }], undefined],
  ['list', 'two lists', [1], 200, { results: [{ status: 200 }], errors: [] }, undefined],
  ['list', 'no list', [1], 200, { ok: true }, undefined],
  ['list', 'a refusal', [1], 400, { errors: [{ status: 200 }] }, undefined],
  ['list', 'no JSON', [1], 200, undefined, undefined],

  ['hubspot', 'all well', [{}, {}], 201, { status: 'COMPLETE', results: [{ id: '1' }, { id: '2' }] }, ['done', 'done']],
  ['hubspot', 'a named error', traced('a', 'b'), 207, hubspotFailing(['b']), ['done', 'failed']],
  ['hubspot', 'an error that names nothing', traced('a', 'b'), 207, hubspotFailing([]), undefined],
  ['hubspot', 'an error that names another', traced('a', 'b'), 207, hubspotFailing(['c']), undefined],
  ['hubspot', 'an error, and items without a name', [{}, {}], 207, hubspotFailing(['b']), undefined],
  ['hubspot', 'too few results', [{}, {}], 201, { results: [{ id: '1' }] }, undefined],
  ['hubspot', 'a refusal', [{}], 400, { status: 'error', category: 'VALIDATION_ERROR' }, undefined],

  ['microsoftGraph', 'any order', [{ id: '1' }, { id: '2' }], 200, graph(['2', 429], ['1', 201]), ['done', 'retry']],
  [
    'microsoftGraph',
    'no headers',
    [{ id: '1' }],
    200,
    { responses: [{ id: '1', status: 201, headers: null }] },
    ['done'],
  ],
  ['microsoftGraph', 'one missing', [{ id: 1 }, { id: 2 }], 200, graph(['2', 424]), ['', 'retry']],
  ['microsoftGraph', 'a refusal', [{ id: '1' }], 400, { error: { code: 'BadRequest' } }, undefined],

  ['mixpanel', 'all well', [1, 2], 200, { code: 200, num_records_imported: 2, status: 'OK' }, ['done', 'done']],
  ['mixpanel', 'some failed', [1, 2, 3], 400, mixpanelFailing(2, 1), ['done', 'failed', 'done']],
  ['mixpanel', 'a sum that is wrong', [1, 2, 3], 400, mixpanelFailing(1, 1), undefined],
  ['mixpanel', 'a refusal', [1], 401, { code: 401, error: 'Invalid credentials' }, undefined],

  [
    'salesforce',
    'rows',
    [1, 2],
    200,
    [{ id: '001', success: true, errors: [] }, row('DUPLICATES_DETECTED')],
    ['done', 'failed'],
  ],
  [
    'salesforce',
    'a lock',
    [1, 2],
    200,
    [row('UNABLE_TO_LOCK_ROW'), row('ALL_OR_NONE_OPERATION_ROLLED_BACK')],
    ['retry', 'retry'],
  ],
  ['salesforce', 'a lock among others', [1], 200, [row('UNABLE_TO_LOCK_ROW', 'REQUIRED_FIELD_MISSING')], ['failed']],
  ['salesforce', 'a refusal', [1], 400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'x' }], undefined],
];

describe('a reader of answers', () => {
  it.each(ANSWERS)('%s reads %s', (platform, _what, items, status, body, outcomes) => {
    const read: NonNullable<BatchOptions<unknown>['read']> = READERS[platform];
    const said = read(body, items, new Response('', { status }));

    expect(Array.isArray(said) ? Array.from(said, (verdict) => verdict?.outcome ?? '') : said).toEqual(outcomes);
  });

  it.each([
    ['10', 10_000],
    ['5, 30', 30_000],
    ['Thu, 01 Jan 2026 00:00:40 GMT', 40_000],
  ])('gives what the server said of an item, and for how long Microsoft Graph has it wait by %s', (value, afterMs) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
    onTestFinished(() => void vi.useRealTimers());
    const body = { responses: [{ id: '1', status: 429, headers: { 'Retry-After': value }, body: { error: {} } }] };

    expect(readAnswer.microsoftGraph(body, [{ id: '1' }], new Response())).toEqual([
      { outcome: 'retry', afterMs, answer: body.responses[0] },
    ]);
  });
});

function traced(...ids: string[]) {
  return ids.map((objectWriteTraceId) => ({ properties: {}, objectWriteTraceId }));
}

function hubspotFailing(objectWriteTraceId: string[]) {
  const error = { status: 'error', category: 'VALIDATION_ERROR', context: { objectWriteTraceId } };
  return { status: 'COMPLETE', results: [{ id: '1', properties: {} }], numErrors: 1, errors: [error] };
}

function graph(...responses: [string, number][]) {
  return { responses: responses.map(([id, status]) => ({ id, status, body: {} })) };
}

function mixpanelFailing(num_records_imported: number, index: number) {
  const failed_records = [{ index, insert_id: 'i', field: 'properties.time', message: 'm' }];
  return { code: 400, num_records_imported, status: 'Bad Request', failed_records };
}

function row(...codes: string[]) {
  return { success: false, errors: codes.map((statusCode) => ({ statusCode, message: 'm', fields: [] })) };
}
