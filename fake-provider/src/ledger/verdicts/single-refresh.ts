import { defineVerdict } from '../verdict.ts';

interface Grant {
  readonly sequence: number;
  readonly atMs: number;
  readonly credential: string;
  readonly livesMs: number | undefined;
  isRefused: boolean;
}

/** Where an answer does not say how long a token lives, only requests at the same time are needless. */
const AT_THE_SAME_TIME_MS = 1_000;

export const singleRefresh = defineVerdict({
  name: 'single-refresh',
  summary: 'asks for one token when many requests find theirs expired',
  begin(_site, find) {
    const grants = new Map<string, Grant>();
    return {
      observe({ sequence, client, route, operation, atMs, isUnauthorized, credential, granted }) {
        const last = grants.get(client);
        if (operation !== 'token') {
          // Whose token is unknown by now is `anonymous`: it is the token that tells.
          if (isUnauthorized && credential !== undefined) {
            for (const grant of grants.values()) if (grant.credential === credential) grant.isRefused = true;
          }
          return;
        }
        if (granted === undefined) return;
        if (last !== undefined && !last.isRefused) {
          const ageMs = atMs - last.atMs;
          const goodForMs = last.livesMs === undefined ? AT_THE_SAME_TIME_MS : last.livesMs / 2;
          if (ageMs < goodForMs) {
            find({
              ...{ sequences: [last.sequence, sequence], client, route },
              expected: `no token request while the token of ${last.sequence} is good`,
              actual: `another token after ${ageMs} ms`,
              why: 'token endpoints have the strictest limits, and a rotation that is run twice revokes both tokens',
            });
          }
        }
        grants.set(client, { sequence, atMs, ...granted, isRefused: false });
      },
    };
  },
});
