/** What a token endpoint answers (RFC 6749, 5.1). */
export interface TokenResponse {
  /** Visible ASCII. */
  readonly access_token: string;
  /** Lifetime in seconds. Zero or nonsense: good for whoever waits for the token, and no longer. */
  readonly expires_in?: number | string | null;
  /** What the next request for the key is handed. Left out, it is handed none. */
  readonly refresh_token?: string;
}

/** Gets a token for a key. Never aborted, so it must come to an end by itself. */
export type TokenRequest = (last: { readonly key: string; readonly refreshToken?: string }) => Promise<TokenResponse>;

/** A token as `save` is handed it and `load` returns it: plain JSON, and secret. */
export interface StoredToken {
  /** What callers are given. */
  readonly accessToken: string;
  /** What the next request is handed, if the answer held one. */
  readonly refreshToken?: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** What happened to a key's token. `reason` is an OAuth error code or an error's name, never a message. */
export type TokenCacheEvent = { readonly key: string } & (
  | { readonly type: 'token-received'; readonly durationMs: number; readonly lifetimeMs: number }
  | { readonly type: 'token-failed'; readonly durationMs: number; readonly reason: string }
  | { readonly type: 'token-loaded' | 'token-rejected' }
  | { readonly type: 'store-failed'; readonly hook: 'load' | 'save' | 'lock'; readonly reason: string }
);

/** Where tokens come from, and how long they are kept. */
export interface TokenCacheOptions {
  /** Your own, or one of the grants in `oauth.ts`. */
  readonly request: TokenRequest;
  /** How many ms before its end a token is renewed: at most half its lifetime, less at random. @defaultValue 30_000 */
  readonly refreshBeforeMs?: number;
  /** Lifetime of a token that does not tell, in milliseconds, from 1 to `Infinity`. @defaultValue 3_600_000 */
  readonly defaultLifetimeMs?: number;
  /** How many keys are remembered; the least recently used goes, its refresh token too. From 1. @defaultValue 1_000 */
  readonly maxKeys?: number;
  /** Reads what any process saved last. Must settle; a failure is an event. */
  readonly load?: (key: string) => Promise<StoredToken | null | undefined>;
  /** Stores a token before anyone is given it. Must settle; a failure is an event. */
  readonly save?: (key: string, token: StoredToken) => Promise<unknown>;
  /** Runs `work`, which never rejects, while no other process does for the key. Must settle; a failure is an event. */
  readonly lock?: (key: string, work: () => Promise<void>) => Promise<unknown>;
  /** Observes. Holds nothing up. */
  readonly onEvent?: (event: TokenCacheEvent) => void;
  /** Spreads early renewals, from 0 to 1. @defaultValue Math.random */
  readonly random?: () => number;
}

/** What a caller is given. */
export interface AccessToken {
  /** What goes behind `Bearer`. */
  readonly value: string;
  /** Whether it was requested while the caller waited, so that no other would fare better. */
  readonly isFresh: boolean;
}

/** One access token per key, for `bearer` or for any client that asks for a token by itself. */
export interface TokenCache {
  /**
   * The token of a key (`'default'`). Aborting ends the wait alone: the answer may hold the only good refresh token.
   *
   * @throws what `request` threw, or an error named `TokenRequestError` if it resolved to no usable token.
   */
  get(options?: { readonly key?: string; readonly signal?: AbortSignal | undefined }): Promise<AccessToken>;
  /** Takes back a token answered with 401, if it still is current. Returns whether to `get` and send again. */
  reject(token: AccessToken, key?: string): boolean;
}

/**
 * Shares one access token per key among all callers and renews it early. A refusal such as `invalid_client` stands for
 * a minute before it is put to the test again.
 *
 * @throws `TypeError` or `RangeError` when the cache is made, for an option that cannot be.
 */
export function tokenCache(options: TokenCacheOptions): TokenCache {
  const { request, load, save, lock, onEvent, random = Math.random } = options;
  const { refreshBeforeMs = 30_000, defaultLifetimeMs = 3_600_000, maxKeys = 1_000 } = options;
  for (const [name, hook] of Object.entries({ load, save, lock, onEvent, random, request: request ?? null }))
    if (hook !== undefined && typeof hook !== 'function') throw new TypeError(`tokenCache: ${name} must be a function`);
  requireNumbers('tokenCache', { refreshBeforeMs }, 0, Infinity);
  requireNumbers('tokenCache', { defaultLifetimeMs, maxKeys }, 1, Infinity);
  const entries = new Map<string, Entry>();

  return {
    async get({ key = 'default', signal } = {}) {
      signal?.throwIfAborted();
      const entry = entryOf(key);
      const renewed = () => (entry.flight ??= renew(entry));
      if (leftMs(entry.token) <= 0) return unlessAborted(renewed(), signal);
      if (performance.now() >= entry.renewAtMs) renewed().catch(() => {});
      return { value: entry.token.accessToken, isFresh: false };
    },

    reject({ value, isFresh }, key = 'default') {
      const entry = entries.get(key);
      const isGone = entry?.token.accessToken !== value || leftMs(entry.token) <= 0;
      // A fresh one may have ended, or been replaced, while its request waited further in.
      if (isGone) return !isFresh || performance.now() >= (entry?.notBeforeMs ?? Infinity);
      if (isFresh) entry.notBeforeMs = performance.now() + FLOOR_MS;
      if (performance.now() < entry.notBeforeMs) return false;
      entry.token = { ...entry.token, expiresAtMs: -Infinity };
      entry.rejected = value;
      notify(onEvent, { type: 'token-rejected', key });
      return true;
    },
  };

  function entryOf(key: string): Entry {
    const entry = entries.get(key) ?? { key, token: NONE, renewAtMs: 0, notBeforeMs: 0, isUnsaved: false };
    entries.delete(key);
    for (const [oldest, another] of entries) {
      if (entries.size < maxKeys) break;
      entries.delete(oldest);
      if (!another.flight) continue;
      // It stays, but at the back, lest every call step over it.
      entries.set(oldest, another);
      break;
    }
    entries.set(key, entry);
    return entry;
  }

  async function renew(entry: Entry): Promise<AccessToken> {
    let outcome: Promise<AccessToken> | undefined;
    const work = () => (outcome ??= loadOrRequest(entry));
    const locked = async () => lock?.(entry.key, async () => void (await Promise.allSettled([work()])));
    try {
      await fromStore('lock', entry, locked).catch((error) => outcome ?? Promise.reject(error));
      return await work();
    } finally {
      entry.flight = undefined;
      // Still due where it failed, but not for every caller.
      entry.renewAtMs = Math.max(entry.renewAtMs, performance.now() + Math.max(FLOOR_MS, leftMs(entry.token) / 10));
    }
  }

  async function loadOrRequest(entry: Entry): Promise<AccessToken> {
    const stored = await fromStore('load', entry, async () => {
      // What could not be saved is newer than what the store holds.
      const found = entry.isUnsaved ? undefined : await load?.(entry.key);
      return found && checked({ ...found, expiresAtMs: performance.now() + found.expiresAtMs - Date.now() });
    });
    // The same token is news where the provider has prolonged it; clocks differ by less than that.
    const isNew = stored?.accessToken !== entry.token.accessToken || leftMs(stored) > leftMs(entry.token) + FLOOR_MS;
    const isNews = stored && isNew && stored.accessToken !== entry.rejected && leftMs(stored) > 0;
    if (isNews) notify(onEvent, { type: 'token-loaded', key: entry.key });
    const token = isNews ? stored : await requestToken(entry, stored ?? entry.token);
    entry.renewAtMs = token.expiresAtMs - Math.min(refreshBeforeMs, leftMs(token) / 2) * (1 - random() / 2);
    entry.token = token;
    return { value: token.accessToken, isFresh: !isNews };
  }

  async function requestToken(entry: Entry, { refreshToken }: StoredToken): Promise<StoredToken> {
    const waitMs = entry.notBeforeMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (entry.refusal && performance.now() < entry.refusal.untilMs) throw entry.refusal.error;

    const sentAtMs = performance.now();
    try {
      const answer = Object(await request({ key: entry.key, ...(refreshToken && { refreshToken }) }));
      const { access_token: accessToken, refresh_token: next, expires_in: seconds = null } = answer;
      const lifetimeMs = seconds === null ? defaultLifetimeMs : /^\d+(\.\d+)?$/.test(seconds) ? seconds * 1_000 : 0;
      const token = checked({ accessToken, refreshToken: next, expiresAtMs: sentAtMs + lifetimeMs });
      if (lifetimeMs < FLOOR_MS) entry.notBeforeMs = sentAtMs + FLOOR_MS;
      notify(onEvent, { type: 'token-received', key: entry.key, durationMs: performance.now() - sentAtMs, lifetimeMs });

      entry.isUnsaved = true;
      await fromStore('save', entry, async () => {
        await save?.(entry.key, { ...token, expiresAtMs: Math.round(Date.now() + Math.min(leftMs(token), 2 ** 52)) });
        entry.isUnsaved = false;
      });
      return token;
    } catch (error) {
      const reason = reasonOf(error);
      if (REFUSAL.test(reason)) entry.refusal = { error, untilMs: performance.now() + HOLD_REFUSAL_MS };
      notify(onEvent, { type: 'token-failed', key: entry.key, durationMs: performance.now() - sentAtMs, reason });
      throw error;
    }
  }

  function fromStore<T>(hook: 'load' | 'save' | 'lock', entry: Entry, work: () => Promise<T>): Promise<T | undefined> {
    return work().catch((error): undefined => {
      notify(onEvent, { type: 'store-failed', key: entry.key, hook, reason: reasonOf(error) });
      // Another process may have spent the refresh token: no reason to find out while the access token is good.
      if (hook !== 'save' && entry.token.refreshToken && leftMs(entry.token) > 0) throw error;
    });
  }
}

/** What is known of one key. All times, those in `token` too, are `performance.now()`. */
interface Entry {
  readonly key: string;
  token: StoredToken;
  flight?: Promise<AccessToken> | undefined;
  renewAtMs: number;
  /** Keeps requests apart while the tokens they bring are of no use. */
  notBeforeMs: number;
  refusal?: { readonly error: unknown; readonly untilMs: number };
  rejected?: string;
  isUnsaved: boolean;
}

function leftMs({ expiresAtMs }: StoredToken): number {
  return expiresAtMs - performance.now();
}

/** Refuses what `Headers` would, whose error quotes the token. */
function checked(token: StoredToken): StoredToken {
  if (typeof token.accessToken === 'string' && /^[\x21-\x7e]+$/.test(token.accessToken)) return token;
  throw Object.assign(new Error('No access token: no usable answer'), { name: 'TokenRequestError' });
}

/** The OAuth error code, or the error's name. Messages of others may quote a token. */
function reasonOf(error: unknown): string {
  const { name, code } = Object(error);
  return name === 'TokenRequestError' && code ? code : String(name);
}

function requireNumbers(policy: string, options: Record<string, number>, least: number, most: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value >= least && value <= most) continue;
    throw new RangeError(`${policy}: ${name} must be ${least} to ${most}, got ${value}`);
  }
}

/** Waits for work that others share, or rejects with the signal's own reason as soon as it aborts. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    work.finally(() => signal?.removeEventListener('abort', stop)).then(resolve, reject);
  });
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}

const NONE: StoredToken = { accessToken: '', expiresAtMs: -Infinity };
const FLOOR_MS = 1_000;
const HOLD_REFUSAL_MS = 60_000;
/** Refused for what was asked or who asked, by RFC 6749, 5.2, GitHub or Slack: asking again changes nothing. */
const REFUSAL = /^(access_denied|(bad|incorrect)_(client|refresh)_\w+|(invalid|unauthorized|unsupported)_\w+)$/;
