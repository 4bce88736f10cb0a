import { defineVerdict } from '../verdict.ts';

/** RFC 6750, sections 2.3 and 5.3. */
export const tokenOrigin = defineVerdict({
  name: 'token-origin',
  summary: 'sends credentials in a header to the origin they are for, never in a URL, never elsewhere',
  begin(_site, find) {
    const homes = new Map<string, string>();
    return {
      observe({ sequence, client, route, origin, credential, hasSecretInUrl, operation }) {
        const about = { sequences: [sequence], client, route };
        if (hasSecretInUrl) {
          find({
            ...about,
            expected: 'credentials in a header',
            actual: 'a secret in the URL',
            why: 'URLs are kept in logs, histories and referrers',
          });
        }
        if (credential === undefined && operation !== 'token') return;
        const home = homes.get(client) ?? site(origin);
        homes.set(client, home);
        if (site(origin) !== home) {
          find({
            ...about,
            expected: `credentials for ${home} only`,
            actual: `credentials for ${site(origin)}`,
            why: 'whoever can put a link into an answer can collect tokens',
          });
        }
      },
    };
  },
});

/** All names of this machine are one. */
function site(origin: string): string {
  return origin.replace(/\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=:|$)/, '//localhost');
}
