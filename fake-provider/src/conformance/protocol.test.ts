import { expect, it } from 'vitest';
import { createListener } from './protocol.ts';

it('keeps records by resource, errors, and whether all is there', () => {
  const words = heard(
    ['users', 'items'],
    [
      '{"type":"record","resource":"items","record":{"id":"a","more":1}}',
      '{"type":"error","message":"a 500"}',
      ' {"type":"done","complete":false}',
    ],
  );

  expect(Object.fromEntries(words.records)).toEqual({ users: [], items: [{ id: 'a', more: 1 }] });
  expect(words).toMatchObject({ errors: ['a 500'], complete: false, malformed: [] });
});

it('takes a record without a resource for one of the only resource', () => {
  expect(heard(['items'], ['{"type":"record","record":{"id":"a"}}']).records.get('items')).toEqual([{ id: 'a' }]);
});

it.each([
  ['{"type":"record","record":{"id":7}}', 'record.id: '],
  ['{"type":"record","record":{"id":"a"}}', 'resource must be one of users, items'],
  ['{"type":"record","resource":"none","record":{"id":"a"}}', 'resource must be one of users, items'],
  ['{"type":"error"}', 'message: '],
  ['{"type":"done","complete":"yes"}', 'complete: '],
  ['{"type":"record","record":{"id":"a', 'is not JSON'],
])('says what is wrong with %s', (line, reason) => {
  const { malformed, malformedCount } = heard(['users', 'items'], [line]);

  expect(malformed).toEqual([expect.stringContaining(`${line}: ${reason}`)]);
  expect(malformedCount).toBe(1);
});

it('lets nothing follow the last word', () => {
  const { malformed, records } = heard(
    ['items'],
    ['{"type":"done","complete":true}', '{"type":"record","record":{"id":"a"}}'],
  );

  expect(malformed).toEqual([expect.stringContaining('nothing may follow "done"')]);
  expect(records.get('items')).toEqual([]);
});

it.each(['page 3', '', '{"level":"info"}', '{ "type": "metric" }', '{not json', '[1]', 'null'])(
  'takes %j for a line of the log',
  (line) => {
    expect(heard(['items'], [line])).toMatchObject({ log: [line], malformed: [] });
  },
);

it('keeps the end of a log, and no endless line', () => {
  const { log } = heard(['items'], [...Array.from({ length: 100 }, (_, index) => `line ${index}`), 'x'.repeat(9_999)]);

  expect(log).toHaveLength(20);
  expect(log[0]).toBe('line 81');
  expect(log.at(-1)).toHaveLength(301);
});

function heard(resources: string[], lines: string[]) {
  const words = createListener(resources);
  for (const line of lines) words.hear(line);
  return words;
}
