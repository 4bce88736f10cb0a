/** One limit, as a response announces it. */
export interface RateLimit {
  /** Tells the limits of one key apart; reports of the same name follow one another. Default `''`. */
  readonly name?: string | undefined;
  /** The whole quota of a window. Left out: the most that was ever seen remaining. */
  readonly limit?: number | undefined;
  /** What is left of it. */
  readonly remaining: number;
  /** What is counted. Default `'requests'`; of anything else the throttle learns how much a request of yours takes. */
  readonly unit?: string | undefined;
  /** Milliseconds until quota comes back, counted at the server as it answered. */
  readonly resetMs?: number | undefined;
  /** How far off `resetMs` may be, either way: 1,000 where the header counts whole seconds. Default 0. */
  readonly resetErrorMs?: number | undefined;
  /** The length of the window in milliseconds: the reset is no farther away than that. */
  readonly windowMs?: number | undefined;
}

/** What a response says of limits. */
export interface Told {
  readonly limits: RateLimit[];
  /** For how long it asks to be left alone. */
  readonly hintMs: number | undefined;
  /** Whether there were too many requests; of a 403 only its body can tell. */
  readonly isRefusal: boolean | Promise<boolean>;
}

/** Reads what a response says of limits. A body is read from a copy, which is made at once. */
export function readTold(response: Response): Told {
  const askedMs = retryAfterMs(response.headers);
  const hintMs = askedMs && Math.min(askedMs, FARTHEST_MS);
  const limits = readRateLimits(response.headers);
  return { limits, hintMs, isRefusal: isRefusal(response, hintMs !== undefined || limits.some(isSpent)) };
}

/** Whether less than one request is left. */
export function isSpent({ remaining }: { readonly remaining: number }): boolean {
  return remaining < 1;
}

/** Whether a cache has answered, and nothing was spent (RFC 9111, 5.1). */
export function isCached(headers: Headers): boolean {
  return Number(headers.get('age')) > 0;
}

/** A window that has begun is over after its own length. */
export function latestResetMs({ resetMs = Infinity, resetErrorMs = 0, windowMs = Infinity }: RateLimit): number {
  return Math.min(resetMs + resetErrorMs, windowMs || Infinity);
}

/**
 * Reads the limits that a response announces, in every dialect in use: all revisions of the IETF drafts, every
 * `…limit-remaining…` family (GitHub, X, Discord, HubSpot, OpenAI, Anthropic, Jira, Intercom…), Shopify's and Salesforce's
 * used/limit pairs, Zendesk's endpoint limits and Microsoft Graph's percentage. What is malformed counts as absent.
 *
 * @param nowMs - The local time in epoch milliseconds, for a reset that is a time in a response without `Date`.
 */
export function readRateLimits(headers: Headers, nowMs: number = Date.now()): RateLimit[] {
  const fields = new Map(headers);
  // It tells of another time's quota.
  if (isCached(headers)) return [];
  const readers = [memberLimits, familyLimits, usedLimits];
  const announcing = [...fields].filter(([name]) => name.includes('limit') && !name.endsWith('-policy'));
  return announcing.flatMap(([name, value]) => readers.flatMap((reader) => reader(name, value, fields, nowMs)));
}

/** The headers by their names in lower case. */
type Fields = ReadonlyMap<string, string>;

/** `"burst";r=50;t=30` of the IETF drafts since revision 7, Jira's preview of them and Zendesk's endpoints. */
function memberLimits(name: string, value: string, fields: Fields, nowMs: number): RateLimit[] {
  const members = structured(value);
  if (members.length === 0) return [];
  const policies = new Map(structured(fields.get(`${name}-policy`)).map((policy) => [policy.get(''), policy]));
  // Revision 7 was one dictionary, whose limit leads to its policy: `limit=100, remaining=50, reset=5`.
  const isDictionary = members.some((member) => member.has('remaining'));
  const states = isDictionary ? [new Map(members.flatMap((member) => [...member]))] : members;

  return states.flatMap((state) => {
    const policy = policies.get(state.get('') ?? state.get('limit'));
    const remaining = numberIn(state.get('r') ?? state.get('remaining'));
    // Places rather than requests: what is in flight counts as spent anyway.
    const isOfPlaces = policy?.get('qu') === 'concurrent-requests' || name.endsWith('-inflight-jobs');
    if (remaining === undefined || isOfPlaces) return [];
    return {
      name: state.get('') ?? name,
      limit: numberIn(state.get('limit') ?? state.get('total') ?? policy?.get('q')),
      remaining,
      unit: policy?.get('qu'),
      ...resetIn(state.get('t') ?? state.get('reset') ?? state.get('resets'), fields, nowMs),
      windowMs: numberIn(policy?.get('w'), 1_000),
    };
  });
}

/** `…-remaining` with its neighbours `-limit` and `-reset`, wherever in the name the vendor has its own words. */
function familyLimits(name: string, value: string, fields: Fields, nowMs: number): RateLimit[] {
  const [head = '', tail] = name.split('-remaining');
  if (tail === undefined || !head.includes('limit')) return [];
  const remaining = numberIn(value);
  if (remaining === undefined) return [];

  const field = (suffix: string) => fields.get(head + suffix);
  const quota = field(`-limit${tail}`) ?? field('-max') ?? field('');
  const limit = numberIn(quota);
  const policies = [...structured(quota), ...structured(fields.get('ratelimit-policy'))];
  const policy = policies.find((one) => one.has('w') && numberIn(one.get('')) === limit);
  const scope = field('-resource') ?? field('-bucket');
  const reset = field(`-reset-after${tail}`) ?? field(`-reset${tail}`);
  const documentedMs = reset === undefined ? WINDOWS_MS[head] : undefined;
  return [
    {
      name: head + tail + (scope ? `:${scope}` : ''),
      limit,
      remaining,
      unit: name.includes('tokens') ? 'tokens' : undefined,
      ...resetIn(reset, fields, nowMs),
      windowMs: numberIn(field('-interval-milliseconds')) ?? numberIn(policy?.get('w'), 1_000) ?? documentedMs,
    },
  ];
}

/** Windows that are found in the vendor's documentation only: HubSpot's and Zendesk's. */
const WINDOWS_MS: Record<string, number> = { 'x-hubspot-ratelimit-secondly': 1_000, 'x-rate-limit': 60_000 };

/** What is used rather than what remains: Shopify's `32/40`, Salesforce's `api-usage=18/5000`, Graph's share of 1. */
function usedLimits(name: string, value: string): RateLimit[] {
  if (name === 'x-ms-throttle-limit-percentage' && Number(value) > 0) {
    // Sent above 0.8 only, and may pass 1. The windows behind it have ten seconds.
    return [{ name, limit: 100, remaining: Math.max(0, 100 - 100 * Number(value)), windowMs: 10_000 }];
  }
  const isShopify = name === 'x-shopify-shop-api-call-limit';
  if (!isShopify && name !== 'sforce-limit-info') return [];
  return value.split(';').flatMap((part) => {
    const [, scope = name, used, whole] = /^\s*(?:([\w-]+)=)?(\d+)\/(\d+)/.exec(part) ?? [];
    const limit = Number(whole);
    if (!(limit > 0)) return [];
    const remaining = Math.max(0, limit - Number(used));
    // A leaky bucket, which on every plan takes 20 s to run dry.
    const reset = isShopify ? { resetMs: 20_000 * (1 - remaining / limit), resetErrorMs: 500, windowMs: 20_000 } : {};
    return { name: scope, limit, remaining, ...reset };
  });
}

/** A reset in any spelling: delta seconds, epoch seconds or milliseconds, Go duration, ISO 8601 or HTTP date. */
function resetIn(text: string | undefined, fields: Fields, nowMs: number) {
  const value = text?.trim() ?? '';
  const number = numberIn(value) ?? Number.NaN;
  const errorMs = /\.\d|[mµun]s|^\d{12,}$/.test(value) ? 0 : 1_000;

  // No delta lasts 30 years, and no epoch in seconds is younger.
  const deltaMs = number < 1e9 ? number * 1_000 : goDurationMs(value);
  if (!Number.isNaN(deltaMs)) return { resetMs: Math.min(deltaMs, FARTHEST_MS), resetErrorMs: errorMs };

  // A second has ten digits, a millisecond thirteen.
  const epochMs = number < 1e11 ? number * 1_000 : number || httpDateMs(value) || isoDateMs(value);
  if (Number.isNaN(epochMs)) return {};
  // Both times are the server's, so its clock may be wrong. `Date` is cut to the second.
  const dateMs = httpDateMs(fields.get('date') ?? '');
  const [sentAtMs, dateErrorMs] = Number.isNaN(dateMs) ? [nowMs, 0] : [dateMs + 500, 500];
  const resetMs = Math.min(Math.max(0, epochMs - sentAtMs), FARTHEST_MS);
  return { resetMs, resetErrorMs: errorMs + dateErrorMs };
}

function isoDateMs(text: string): number {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}

function goDurationMs(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return Number.NaN;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) ms += Number(amount) * (GO_UNITS_MS[unit!] ?? 0);
  return ms;
}

const GO_UNITS_MS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** The members of a structured field (RFC 9651), each by its parameters; its own value has the empty name. */
function structured(text: string | undefined): Map<string, string>[] {
  const members: Map<string, string>[] = [];
  // Without parameters it says nothing of limits.
  if (!text?.includes('=')) return members;
  const rest = text.replace(PART, (_part, separator: string, name = '', quoted?: string, bare = '') => {
    if (separator !== ';') members.push(new Map());
    members.at(-1)?.set(name, quoted?.replace(/\\(.)/gs, '$1') ?? bare.trim());
    return '';
  });
  // What is malformed somewhere is malformed as a whole.
  return rest === '' ? members : [];
}

/** A value, bare or quoted, with its name, if it has one, and what separates it from the last. */
const PART = /(^|[,;])\s*(?:([\w*.-]+)\s*=\s*)?(?:"((?:\\.|[^"\\])*)"\s*|([^",;]*))/gsy;

/** The number that a field begins with; a list joined from several lines counts by its first. */
function numberIn(text: string | undefined, unit = 1): number | undefined {
  const [, number] = /^\s*(-?\d+(?:\.\d+)?)\s*(?:[,;]|$)/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Math.max(0, Number(number) * unit);
}

/** Whether there were too many requests, where a hint says so much of any status but 429. */
function isRefusal(response: Response, isHinted: boolean): boolean | Promise<boolean> {
  const { status, headers } = response;
  if (status === 429 || isHinted) return [403, 429, 503, 529].includes(status);
  const isJson = /\bjson\b/.test(headers.get('content-type') ?? '');
  return status === 403 && isJson && !response.bodyUsed && !response.body?.locked && tellsOfLimit(response.clone());
}

/** Reads the beginning of a copy, so that the caller's body stays whole. */
async function tellsOfLimit({ body }: Response): Promise<boolean> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = '';
  try {
    for (let part = await reader?.read(); part?.value && text.length < 16_384; part = await reader?.read()) {
      text += decoder.decode(part.value, { stream: true });
    }
  } catch {
    // The caller sees the same failure.
  }
  reader?.cancel().catch(() => {});
  return TELLS_OF_LIMIT.test(text);
}

/**
 * How long a response asks to be left alone, in milliseconds, or `undefined` if it does not say. The longest counts of
 * `Retry-After` (RFC 9110, 10.2.3: seconds, decimals too, or dates by the response's own `Date`) and `retry-after-ms`.
 */
function retryAfterMs(headers: Headers): number | undefined {
  const decimal = (text: string) => (/^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : Number.NaN);
  const sentAtMs = () => httpDateMs(headers.get('date') ?? '') || Date.now();
  // The comma after a date's weekday is its own; any other joins two header lines.
  const hints = (name: string) => headers.get(name)?.split(/,(?! \d\d[ -][A-Z])/) ?? [];
  const waits = hints('retry-after').flatMap((hint) => [decimal(hint) * 1_000, httpDateMs(hint.trim()) - sentAtMs()]);
  const told = waits.concat(hints('retry-after-ms').map(decimal)).filter((ms) => !Number.isNaN(ms));
  return told.length > 0 ? Math.max(0, ...told) : undefined;
}

/** GitHub's secondary limits, Google's reasons and Salesforce's error code. */
const TELLS_OF_LIMIT =
  /\bsecondary rate\b|\b(?:user)?rate ?limit ?exceeded|\b(?:dailyLimit|quota)Exceeded|\bREQUEST_LIMIT_EXCEEDED/i;

/** No quota is longer: what is announced beyond a year is cut. */
const FARTHEST_MS = 366 * 86_400_000;

/** An HTTP date (RFC 9110, 5.6.7) of any form as epoch milliseconds, or `NaN`. The form without a zone means UTC. */
function httpDateMs(text: string): number {
  const form = /^[A-Z][a-z]+(, \d\d[ -][A-Z][a-z]{2}[ -]\d+| [A-Z][a-z]{2} [ \d]\d) [\d:]{8} (GMT|\d{4})$/;
  return form.test(text) ? Date.parse(text.replace(/\d{4}$/, '$& GMT')) : Number.NaN;
}
