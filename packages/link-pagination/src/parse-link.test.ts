import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseLink } from './link-pagination.ts';

const BASE = 'https://api.test/v1/rows?page=1';
const NEXT = 'https://api.test/v1/rows?page=2';

it.each([
  ['as GitHub sends it', `<${NEXT}>; rel="next", <https://api.test/v1/rows?page=9>; rel="last"`],
  ['unquoted', `<${NEXT}>; rel=next`],
  ['behind another parameter', `<${NEXT}>; title="x"; rel="next"`],
  ['before another parameter', `<${NEXT}>; rel="next"; title="x"`],
  ['among several relations', `<${NEXT}>; rel="last next"`],
  ['in capitals', `<${NEXT}>; REL="NEXT"`],
  ['with space around everything', `  <${NEXT}>  ;\t rel = "next" ; x = y `],
  ['without any space', `<https://a.test>;rel=prev,<${NEXT}>;rel=next`],
  ['behind a quoted comma and semicolon', `<https://a.test>; title="a, b; <c>"; rel=prev, <${NEXT}>; rel=next`],
  ['behind a quoted quote', `<https://a.test>; title="say \\"next\\", \\\\"; rel=prev, <${NEXT}>; rel=next`],
  ['behind an escape at the end', `<https://a.test>; title="\\\\"; rel=prev, <${NEXT}>; rel=next`],
  ['behind a target with a comma and a semicolon', `<https://a.test/a,b;rel=next>; rel=prev, <${NEXT}>; rel=next`],
  ['in a later line', `<https://a.test>; rel="prev", <${NEXT}>; rel="next"`],
  ['behind empty elements', `, ,<https://a.test>; rel="prev",, <${NEXT}>; rel="next",`],
  ['behind empty parameters', `<${NEXT}>;; rel="next"`],
  ['behind a parameter without a value', `<${NEXT}>; crossorigin; rel="next"`],
  ['behind a parameter with an empty value', `<${NEXT}>; crossorigin=; rel="next"`],
  ['behind rel*', `<${NEXT}>; rel*=UTF-8''prev; rel="next"`],
  ['relative to the path', '<rows?page=2>; rel="next"'],
  ['relative to the query', '<?page=2>; rel="next"'],
  ['relative to the origin', '</v1/rows?page=2>; rel="next"'],
  ['relative to the scheme', '<//api.test/v1/rows?page=2>; rel="next"'],
  ['before what is malformed', `<${NEXT}>; rel="next" junk, <https://a.test>; rel="next"`],
  ['in a string that does not end', `<${NEXT}>; rel="next`],
])('finds a next link %s', (_, header) => {
  expect(parseLink(header, BASE).find(({ rel }) => rel === 'next')?.url).toBe(NEXT);
});

it.each([
  ['empty', ''],
  ['blank', ' \t'],
  ['no link', 'next'],
  ['not closed', '<https://a.test'],
  ['without rel', '<https://a.test>; title="x"'],
  ['behind another rel', '<https://a.test>; rel="prev"; rel="next"'],
  ['only in a title', '<https://a.test>; title="rel=next"; rel="prev"'],
  ['only in rel*', "<https://a.test>; rel*=UTF-8''next"],
  ['behind a malformed link', `junk, <${NEXT}>; rel="next"`],
  ['in an unclosed string', `<https://a.test>; title="x; rel="next"`],
])('finds no next link in a header that is %s', (_, header) => {
  expect(parseLink(header, BASE).filter(({ rel }) => rel === 'next')).toEqual([]);
});

it('gives no URL for a target that is none', () => {
  expect(parseLink('<http://[>; rel="next"', BASE)).toMatchObject([{ rel: 'next', url: '' }]);
});

it('takes an empty target for the page itself', () => {
  expect(parseLink('<>; rel=self', BASE)).toMatchObject([{ rel: 'self', url: BASE }]);
});

it('makes one link of each relation type, in lower case', () => {
  const links = parseLink('<?page=2>; rel="next  NEXT https://Rels.test/A,b"', BASE);

  expect(links.map(({ rel, url }) => [rel, url])).toEqual([
    ['next', NEXT],
    ['https://rels.test/a,b', NEXT],
  ]);
});

it('keeps a target longer than 2,000 characters', () => {
  const url = `https://api.test/?cursor=${'x'.repeat(20_000)}`;

  expect(parseLink(`<${url}>; rel=next`, BASE)[0]!.url).toBe(url);
});

it('keeps the first value of a parameter, and leaves an encoded one as it came', () => {
  const header = '<x>; rel=a; TITLE=one ; title=two; title*=UTF-8\'de\'n%C3%A4chste; media="m"; media=n';
  const [link] = parseLink(header, BASE);

  expect([...link!.params]).toEqual([
    ['rel', 'a'],
    ['title', 'one'],
    ['title*', "UTF-8'de'n%C3%A4chste"],
    ['media', 'm'],
  ]);
});

it('keeps the anchor for the caller to judge', () => {
  expect(parseLink('<x>; anchor="#foo"; rel=next', BASE)[0]!.params.get('anchor')).toBe('#foo');
});

it('is not misled by names every object has', () => {
  const [link] = parseLink('<x>; rel=next; __proto__=a; constructor=b', BASE);

  expect([...link!.params]).toEqual([
    ['rel', 'next'],
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

it('finds in any well-formed header the links it was made of', () => {
  const token = fc.stringMatching(/^[a-z]{1,8}$/);
  const text = fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\\', '<', '>', ' ', '=') });
  const link = fc.record({ path: fc.stringMatching(/^[a-z,;="]{0,9}$/), rel: token, title: text });
  fc.assert(
    fc.property(fc.array(link), fc.constantFrom(',', ' , ', ',\t,'), (links, comma) => {
      const header = links
        .map(({ path, rel, title }) => `</${path}>; title="${title.replace(/["\\]/g, '\\$&')}"; rel=${rel}`)
        .join(comma);

      expect(parseLink(header, BASE).map(({ rel, url, params }) => [rel, url, params.get('title')])).toEqual(
        links.map(({ rel, path, title }) => [rel, new URL(`/${path}`, BASE).href, title]),
      );
    }),
    { numRuns: 300 },
  );
});

it('throws on no text whatever', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('<', '>', ';', ',', '"', '\\', '=', '*', "'", ' ', 'rel', '%', '/'),
  });
  fc.assert(fc.property(hostile, (header) => void parseLink(header, BASE)));
});

it.each([
  ['<'],
  ['>'],
  ['<>'],
  ['<a>,'],
  [';'],
  [' '],
  [','],
  ['"'],
  ['\\'],
  ['<a>; x="\\"', '<a>; rel="'],
  ['a ', '<a>; rel="'],
  ['\\"', '<a>; rel="'],
  ['; hreflang=de', '<a>; rel=next'],
  ['; title*=x', '<a>; rel=next'],
  ['<a>; rel="next", '],
  [' ;', '<a>'],
  ['=', '<a>;'],
  ['% ', "<a>; rel=a; title*=utf-8''"],
])('reads 200 kB of %s in linear time', (part, start = '') => {
  const header = start + part.repeat(200_000 / part.length);
  const before = process.threadCpuUsage();

  parseLink(header, BASE);

  // Tens of milliseconds where time is linear in the length, tens of seconds where it is quadratic.
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});
