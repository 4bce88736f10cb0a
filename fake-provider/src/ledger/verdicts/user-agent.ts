import { defineVerdict } from '../verdict.ts';

/** RFC 9110, section 10.1.5. */
export const userAgent = defineVerdict({
  name: 'user-agent',
  summary: 'says who it is in User-Agent',
  begin(_site, find) {
    const blamed = new Set<string>();
    return {
      observe({ sequence, client, route, hasUserAgent }) {
        if (hasUserAgent || blamed.has(client)) return;
        blamed.add(client);
        find({
          ...{ sequences: [sequence], client, route },
          expected: 'a User-Agent header',
          actual: 'none',
          why: 'a provider cannot write to somebody without a name, only block it',
        });
      },
    };
  },
});
