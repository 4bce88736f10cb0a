/**
 * When a `Retry-After` asks the client to come back, in epoch milliseconds: RFC 9110, section 10.2.3, to the letter.
 * What is neither whole seconds nor one of the three dates asks for nothing.
 */
export function invitedAtMs(retryAfter: string | undefined, nowMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter)) return nowMs + Number(retryAfter) * 1_000;
  if (/^[A-Z][a-z]{2,8}, [\w -]+ [\d:]{8} GMT$/.test(retryAfter)) return Date.parse(retryAfter) || undefined;
  // asctime means UTC and does not say so.
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}$/.test(retryAfter);
  return isAsctime ? Date.parse(`${retryAfter} GMT`) || undefined : undefined;
}
