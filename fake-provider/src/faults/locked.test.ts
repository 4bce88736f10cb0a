import { expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it.each<[ConfigInput, string, number]>([
  [{}, '/items', 423],
  [{ profile: 'hubspot' }, '/crm/v3/objects/contacts', 423],
  [{ profile: 'stripe' }, '/v1/customers', 429],
])('answers that the record is locked, as %j words it', async (config, path, status) => {
  const { fetch } = createProvider({ ...config, auth: false, faults: [{ fault: 'locked', on: { calls: [1] } }] });
  const [locked, then] = [await fetch(`https://api.test${path}`), await fetch(`https://api.test${path}`)];

  expect(locked.status).toBe(status);
  expect(locked.headers.get('x-fake-provider')).toBe('locked');
  expect(locked.headers.get('retry-after')).toBeNull();
  expect(then.status).toBe(200);
});
