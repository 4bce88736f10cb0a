/**
 * A short text that is equal where all parts are, so that the ledger can compare what it must not keep.
 *
 * 53 bits of two FNV-1a hashes. It tells texts apart; it is no cryptography.
 */
export function fingerprint(...parts: readonly string[]): string {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 1) {
      const unit = part.charCodeAt(index);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit, 0x5bd1e995);
      low ^= low >>> 15;
    }
    high = Math.imul(high ^ 0xffff, 0x01000193);
    low = Math.imul(low ^ 0xffff, 0x5bd1e995);
  }
  return (((high ^ (high >>> 13)) >>> 11) * 2 ** 32 + (low >>> 0)).toString(36);
}
