/**
 * A number in [0, 1) that depends on nothing but its parts.
 *
 * Every decision of the provider is such a hash of (seed, site, client, route, n-th request) and never the next
 * value of a shared stream, so requests that overtake each other do not change who gets which fault.
 */
export function chance(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    const text = `${part}`;
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    // A zero byte, so that what follows is another part.
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV-1a alone leaves neighbours alike; murmur3's finalizer spreads every bit.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** A whole number in [0, `below`) by the same rule. */
export function pick(below: number, ...parts: readonly (string | number)[]): number {
  return Math.floor(chance(...parts) * below);
}

/** A name in the form of a UUID by the same rule. */
export function uuid(...parts: readonly (string | number)[]): string {
  const digits = [0, 1, 2, 3]
    .map((part) =>
      pick(2 ** 32, ...parts, part)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
  // Version 4, variant 1 (RFC 9562, section 5.4): what a parser expects.
  const form = `${digits.slice(0, 12)}4${digits.slice(13, 16)}8${digits.slice(17)}`;
  return form.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** How often something with an average of `rate` happens this time: a whole number, right on average. */
export function times(rate: number, ...parts: readonly (string | number)[]): number {
  const whole = Math.floor(rate);
  return whole + (chance(...parts) < rate - whole ? 1 : 0);
}
