import { execFileSync } from 'node:child_process';
import { ConfigError, type ConfigInput, parseConfig } from '@steadfetch/fake-provider';

type Listing = NonNullable<ConfigInput['resources']>[string];
type Fault = NonNullable<ConfigInput['faults']>[number];

/** How often each fault and each defect strikes. */
const RATIO = 0.01;

/** Everything a provider can do, at once: every fault, limit, pagination and defect, writes, tokens and keys. */
export function everything(seed: number): ConfigInput {
  const on = { ratio: RATIO };
  return {
    seed,
    auth: {
      clients: { soak: 'soak-secret' },
      grants: ['client_credentials', 'refresh_token'],
      refresh: { rotation: 'grace', graceSeconds: 1, ttlSeconds: 5 },
      apiKeys: { 'soak-key': 'soak' },
      tokenTtlSeconds: 5,
      revokeAfterRequests: 50,
    },
    resources: Object.fromEntries(names('paginations').map((pagination) => [`by-${pagination}`, listing(pagination)])),
    // Long enough to be replayed, short enough to be forgotten before the next look.
    idempotency: { ttlSeconds: 2 },
    latency: { minMs: 0, maxMs: 5 },
    limits: [
      { kind: 'fixed-window', name: 'fixed', with: { limit: 2_000, windowSeconds: 1 } },
      { kind: 'sliding-window', name: 'sliding', with: { limit: 2_000, windowSeconds: 1 } },
      { kind: 'token-bucket', name: 'token', per: 'token', with: { ratePerSecond: 2_000, burst: 2_000 } },
      { kind: 'leaky-bucket', name: 'leaky', per: 'ip', with: { leakPerSecond: 2_000, size: 2_000 } },
      { kind: 'concurrency', name: 'at-once', with: { limit: 20 } },
      {
        kind: 'quota',
        name: 'daily',
        per: 'everyone',
        othersPerSecond: 1,
        with: { limit: 100_000_000, period: 'day' },
      },
      { kind: 'penalty-box', name: 'box', with: { limit: 3_000, windowSeconds: 1, penaltySeconds: 1 } },
    ],
    faults: names('faults').map((fault) => ({ fault, on, with: options(fault) }) as Fault),
    ledger: { keep: 1_000 },
  };
}

/** What a listing can show, whatever its pagination. */
function listing(pagination: string): Listing {
  const resource = { records: 2_000, pagination } as Listing;
  const shown = names('defects').filter((defect) => {
    try {
      return parseConfig({ resources: { items: { ...resource, defects: [{ defect } as never] } } });
    } catch (error) {
      if (error instanceof ConfigError) return false;
      throw error;
    }
  });
  const defects = shown.map((defect) => ({ defect, on: { ratio: RATIO } })) as NonNullable<Listing['defects']>;
  return { ...resource, defects };
}

/** Slow enough to be seen, fast enough to be often. */
function options(fault: string): object {
  if (fault === 'slow-headers' || fault === 'dripped-body') return { forMs: 200 };
  return fault === 'close-idle' ? { afterMs: 20 } : {};
}

function names(list: string): string[] {
  const bin = new URL('../../fake-provider/src/bin.ts', import.meta.url).pathname;
  const json = execFileSync(process.execPath, [bin, list, '--output', 'json'], { encoding: 'utf8' });
  return (JSON.parse(json) as { readonly name: string }[]).map(({ name }) => name);
}
