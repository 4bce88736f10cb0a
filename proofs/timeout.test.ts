import { timeout } from '@steadfetch/timeout';
import { describe, expect } from 'vitest';
import { WORLDS } from './world.ts';

describe.each(WORLDS)('timeout $name', ({ open, it }) => {
  it('wire/hang: gets away from a provider that never answers, and is served again after', async () => {
    await using world = await open('wire/hang');
    const patient = timeout({ afterMs: 200 })(world.fetch);
    const items = `${world.baseUrl}/items`;

    expect((await patient(items)).status).toBe(200);
    await expect(patient(items)).rejects.toMatchObject({ name: 'TimeoutError', afterMs: 200 });
    expect((await patient(items)).status).toBe(200);
  });
});
