import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keepText, toJson } from './json-text.ts';

it('writes any value as JSON.stringify does, kept or not', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.dictionary(fc.string(), fc.jsonValue())), (any, records) => {
      const kept = records.map((record, index) => (index % 2 === 0 ? keepText(record) : record));
      for (const body of [any, kept, ...kept, { data: kept, any, none: undefined, last: null, '"': [undefined] }]) {
        expect(toJson(body)).toBe(JSON.stringify(body));
      }
    }),
  );
});
