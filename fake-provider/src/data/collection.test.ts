import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCollection, GAP, ORIGIN } from './collection.ts';

it('behaves as a sorted array would, whatever is inserted and removed', () => {
  const change = fc.oneof(
    fc.record({ insert: fc.integer({ min: -3 * GAP, max: 60 * GAP }) }),
    fc.record({ remove: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.nat({ max: 50 }), fc.array(change, { maxLength: 60 }), fc.nat(), (count, changes, probe) => {
      const collection = createCollection(count);
      let model = Array.from({ length: count }, (_, index) => ORIGIN + index * GAP);
      const used = new Set(model);
      for (const step of changes) {
        if ('insert' in step) {
          const key = ORIGIN + step.insert;
          expect(collection.insert(key)).toBe(!used.has(key));
          if (!used.has(key)) model = [...model, key].sort((a, b) => a - b);
          used.add(key);
        } else if (model.length > 0) {
          const position = step.remove % model.length;
          expect(collection.removeAt(position)).toBe(model[position]);
          model.splice(position, 1);
        }
      }
      expect(collection.size).toBe(model.length);
      expect(collection.slice(0, model.length + 1)).toEqual(model);
      const position = probe % (model.length + 1);
      expect(collection.slice(position, 7)).toEqual(model.slice(position, position + 7));
      const key = ORIGIN + (probe % (60 * GAP));
      expect(collection.positionOf(key)).toBe(model.filter((other) => other < key).length);
      expect(model.every((living) => collection.has(living))).toBe(true);
    }),
  );
});

it('tells which records existed throughout, and which only for a while', () => {
  const collection = createCollection(3);
  collection.removeAt(0);
  const from = collection.revision;
  collection.removeAt(0);
  collection.insert(ORIGIN + 5 * GAP);
  const to = collection.revision;

  expect([...collection.existedThroughout(from, to)]).toEqual([ORIGIN + 2 * GAP]);
  expect(collection.existedWithin(ORIGIN, from, to)).toBe(false);
  expect(collection.existedWithin(ORIGIN + GAP, from, to)).toBe(true);
  expect(collection.existedWithin(ORIGIN + 5 * GAP, from, to)).toBe(true);
  expect(collection.existedWithin(ORIGIN + 6 * GAP, from, to)).toBe(false);
});

it('holds half a million records in the memory of one', () => {
  expect(createCollection(500_000).slice(499_999, 5)).toEqual([ORIGIN + 499_999 * GAP]);
});
