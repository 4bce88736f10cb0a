import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Provider } from '@steadfetch/fake-provider';
import { describe, expect, it } from 'vitest';
import { anthropic } from './anthropic.ts';
import { kyExample } from './ky.ts';
import { octokit } from './octokit.ts';
import { openai } from './openai.ts';
import { openapiFetch } from './openapi-fetch.ts';
import { slack } from './slack.ts';
import { NAMES, RECORDS, type SdkExample, setStage, statuses, strikes } from './stage.ts';
import { stripe } from './stripe.ts';
import { supabase } from './supabase.ts';

const EXAMPLES: readonly (readonly [string, SdkExample])[] = [
  ['anthropic', anthropic],
  ['ky', kyExample],
  ['octokit', octokit],
  ['openai', openai],
  ['openapi-fetch', openapiFetch],
  ['slack', slack],
  ['stripe', stripe],
  ['supabase', supabase],
];
const WITHOUT_KEYS = EXAMPLES.filter(([, { takesKeys }]) => !takesKeys);

describe.concurrent('a hardened fetch', () => {
  it.each(EXAMPLES)('loses nothing and doubles nothing on a bad day: %s', async (name, example) => {
    await using stage = await setStage(example);
    const { listed, created } = await example.run(stage.client);
    const { provider, before } = stage;
    const { resource, takesKeys } = example;
    const { size, get } = provider.resource(resource);

    expect(provider.judge(resource, listed)).toEqual({ ...FAULTLESS, expected: RECORDS, delivered: RECORDS });
    expect(size - before).toBe(NAMES.length);
    for (const [nth, text] of NAMES.entries()) expect(JSON.stringify(get(created[nth]!))).toContain(`"${text}"`);
    expect(provider.report().manners.filter(({ passed }) => !passed)).toEqual([]);

    expect(strikes(provider, 'rate-limited')).toBe(2);
    expect(strikes(provider, 'unavailable')).toBe(takesKeys ? 2 : 1);
    expect(strikes(provider, 'reset')).toBe(takesKeys ? 1 : 0);
    expect(stage.tally()).toEqual({ retries: takesKeys ? 5 : 3, failures: 0 });
    expect(provider.ledger.tally().tokenRequests).toBeGreaterThan(1);
    // Slack says it in a 200, and says beforehand when it will.
    if (name !== 'slack') expect(statuses(provider, 401)).toBeGreaterThan(0);
  });

  it.each(WITHOUT_KEYS)('does not repeat a write without a key after a 503: %s', async (_name, example) => {
    const { create, resource } = example;
    await using stage = await setStage(example, [{ fault: 'unavailable', on: { route: create } }]);
    const { provider, client, before } = stage;

    await expect(example.run(client)).rejects.toThrow();

    expect(asked(provider, create)).toEqual([503]);
    expect(provider.resource(resource).size).toBe(before);
  });

  it.each(EXAMPLES)('is asked once by the SDK, whose own retries are off: %s', async (_name, example) => {
    const away = { fault: 'unavailable', with: { retryAfterSeconds: 600 }, on: { route: example.list } } as const;
    await using stage = await setStage(example, [away]);

    await expect(example.run(stage.client)).rejects.toThrow();

    expect(stage.tally().failures).toBe(1);
  });

  it('has something to show when it is run', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'octokit.ts')]);

    expect(stdout).toContain(`listed ${RECORDS} (0 lost, 0 doubled)`);
  });
});

const FAULTLESS = { lost: [], duplicated: [], invented: [], corrupted: [] };

function asked({ ledger }: Provider, route: string): number[] {
  return ledger.entries.filter((entry) => entry.route === route).map(({ status }) => status);
}
