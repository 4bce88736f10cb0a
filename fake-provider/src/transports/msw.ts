import { HttpResponse, type HttpResponseResolver, http } from 'msw/http';
import type { Wire } from '../call.ts';
import type { Provider } from '../provider.ts';
import { toFetch } from './fetch.ts';

/**
 * The wire faults that Mock Service Worker lets through. There is no socket to reset or close, and it takes a body that
 * breaks off for one that ends: all of these end in its network error, a `TypeError` without a cause.
 */
export const performs: ReadonlySet<Wire['kind']> = new Set(['hang', 'slow-headers', 'dripped-body']);

/**
 * A provider as handlers of Mock Service Worker 3, for the tests of an application that calls `baseUrl`.
 *
 * @param options - `baseUrl`: the origin that the application calls, such as `https://api.example.com`.
 * @throws `TypeError` if `baseUrl` is not an origin.
 */
export function mswHandlers(
  provider: Provider,
  { baseUrl }: { readonly baseUrl: string },
): ReturnType<typeof http.all>[] {
  const { origin, pathname, search } = URL.parse(baseUrl) ?? { origin: 'null', pathname: '', search: '' };
  if (origin === 'null' || pathname !== '/' || search !== '') {
    throw new TypeError(`mswHandlers: baseUrl must be an origin, such as https://api.example.com, got ${baseUrl}`);
  }
  const answer = toFetch(provider, { isDirect: false });

  const resolve: HttpResponseResolver = async ({ request }) => {
    try {
      return await answer(request);
    } catch {
      return HttpResponse.error();
    }
  };
  return [http.all(({ request }) => new URL(request.url).origin === origin, resolve)];
}
