import { expect, it } from 'vitest';
import { createRouter, route } from './routes.ts';

it.each([
  ['/shop/items/7.json', '7'],
  ['/shop/items/a.b.json', 'a.b'],
])('finds the id before an ending, in %s', (path, id) => {
  expect(router.find('GET', path).match).toMatchObject({ route: { operation: 'get' }, id });
});

it.each(['/shop/items/.json', '/shop/items/7', '/shop/items/7.xml', '/shop/items/'])('finds nothing at %s', (path) => {
  expect(router.find('GET', path).refusal).toMatchObject({ status: 404, field: 'path' });
});

it('lets a step of its own stand before one that takes any text', () => {
  expect(router.find('GET', '/shop/items/count.json').match?.route.operation).toBe('search');
});

const router = createRouter([
  route('GET /shop/items/:id.json', 'get', 'items'),
  route('GET /shop/items/count.json', 'search', 'items'),
]);
