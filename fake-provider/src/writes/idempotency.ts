import type { Arrival } from '../arrival.ts';
import type { Reply } from '../call.ts';
import { chance } from '../chance.ts';
import type { Config } from '../config.ts';
import { invalidParameter, Problem } from '../problem.ts';

/** Sees to it that a write with an idempotency key is carried out once. */
export interface Idempotency {
  /**
   * Carries the write out, or answers as when it was.
   *
   * @throws `Problem` if the key is missing, in use, or was used for another request.
   */
  once(arrival: Arrival, carryOut: () => Reply): Reply;
}

/** A write that was carried out. */
interface Done {
  readonly fingerprint: string;
  readonly endsAtMs: number;
  readonly expiresAtMs: number;
  readonly reply: Reply;
}

/**
 * Keeps the answers to writes by client and key, as draft-ietf-httpapi-idempotency-key-header has it. A write that was
 * refused as invalid is not kept: it had no effect.
 */
export function createIdempotency(options: Config['idempotency']): Idempotency {
  // In the order in which they expire, since all live equally long.
  const done = new Map<string, Done>();

  function forgetExpired(nowMs: number): void {
    for (const [key, { expiresAtMs }] of done) {
      if (expiresAtMs > nowMs) return;
      done.delete(key);
    }
  }

  return {
    once(arrival, carryOut) {
      const { call, client, nowMs, endsAtMs } = arrival;
      if (options === false || !options.methods.includes(call.method as 'POST')) return carryOut();
      const { header, replayHeader, replayValue, firstValue } = options;
      const sent = call.headers[header];
      if (sent === undefined) {
        if (!options.required) return carryOut();
        throw new Problem(400, 'idempotency_key_missing', `${header} must be given`, { field: header });
      }
      const key = `${client} ${readKey(header, sent)}`;
      forgetExpired(nowMs);

      const earlier = done.get(key);
      if (earlier === undefined) {
        const reply = carryOut();
        const expiresAtMs = nowMs + options.ttlSeconds * 1_000;
        done.set(key, { fingerprint: fingerprintOf(arrival), endsAtMs, expiresAtMs, reply });
        return withHeader(reply, replayHeader, firstValue);
      }
      if (earlier.fingerprint !== fingerprintOf(arrival)) {
        const message = `${header} was used for a request with another path or body`;
        throw new Problem(options.mismatchStatus, 'idempotency_key_reused', message, { field: header });
      }
      if (earlier.endsAtMs > nowMs) {
        const message = `the first request with this ${header} is still under way`;
        throw new Problem(options.inProgressStatus, 'idempotency_key_in_use', message, { field: header });
      }
      return withHeader(earlier.reply, replayHeader, replayValue);
    },
  };
}

/** A key is a quoted string by the draft (RFC 9651, section 3.3.3), and stands bare with most platforms: both are one. */
function readKey(header: string, sent: string): string {
  const key = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/.exec(sent)?.[1]?.replace(/\\(.)/g, '$1') ?? sent;
  if (!/^[ -~]{1,255}$/.test(key)) throw invalidParameter(header, 'must be 1 to 255 printable characters of ASCII');
  return key;
}

/** Two hashes: no client meets a collision. */
function fingerprintOf({ call: { method, path, query, body } }: Arrival): string {
  const parts = [method, path, query.toString(), body];
  return `${chance('one', ...parts)} ${chance('other', ...parts)} ${body.length}`;
}

function withHeader(reply: Reply, name: string, value: string | undefined): Reply {
  return value === undefined ? reply : { ...reply, headers: { ...reply.headers, [name]: value } };
}
