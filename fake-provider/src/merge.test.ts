import { expect, it } from 'vitest';
import { merge } from './merge.ts';

it.each([
  ['keeps what nobody overrides', { a: 1, b: { c: 2 } }, {}, { a: 1, b: { c: 2 } }],
  ['goes into objects', { b: { c: 2, d: 3 } }, { b: { c: 4 } }, { b: { c: 4, d: 3 } }],
  ['replaces lists', { list: [1, 2] }, { list: [] }, { list: [] }],
  ['replaces an object by what is none', { auth: { ttl: 1 } }, { auth: false }, { auth: false }],
  ['replaces what is no object', { auth: false }, { auth: { ttl: 1 } }, { auth: { ttl: 1 } }],
  ['takes undefined for nothing said', { seed: 1 }, { seed: undefined }, { seed: 1 }],
  ['takes null for something said', { seed: 1 }, { seed: null }, { seed: null }],
])('%s', (_what, under, over, merged) => {
  expect(merge(under, over)).toEqual(merged);
});

it('reads own fields only, and lets none reach a prototype', () => {
  const merged = merge({ toString: 1 }, JSON.parse('{"__proto__": {"polluted": true}}')) as object;

  expect(Object.keys(merged)).toEqual(['toString', '__proto__']);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(merge({}, { constructor: undefined })).toEqual({ constructor: undefined });
});
