import { json } from '../call.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, linkHeader, nextParameter, plain, singular, tightest, unwrapped } from './dialect.ts';

/** The Admin REST API of Shopify: used/size in one header, and a `Retry-After` that no grammar allows. */
export const shopify: Dialect = {
  ...plain,
  name: 'shopify',
  summary: 'X-Shopify-Shop-Api-Call-Limit as used/size, Retry-After as 2.0; errors as {"errors"}; page_info in Link',
  token: { ...plain.token, path: '/admin/oauth/access_token' },
  routes(resource, path) {
    const base = path.replace(/\.json$/, '');
    const one = `${base}/:id${path.slice(base.length)}`;
    return [
      route(`GET ${path}`, 'list', resource),
      route(`GET ${one}`, 'get', resource),
      route(`POST ${path}`, 'create', resource),
      route(`PUT ${one}`, 'update', resource),
      route(`DELETE ${one}`, 'delete', resource),
    ];
  },
  credential: ({ headers }) => headers['x-shopify-access-token'],
  rateHeaders(standings) {
    const { limit, remaining } = tightest(standings);
    return { 'x-shopify-shop-api-call-limit': `${limit - remaining}/${limit}` };
  },
  problem(problem) {
    const { status, retryAfterSeconds: seconds } = problem;
    const retryAfter = seconds === undefined ? {} : { 'retry-after': `${seconds}.0` };
    return json(status, { errors: errorsOf(problem) }, { ...retryAfter, ...problem.headers });
  },
  fields: () => ({ ...plain.fields(), cursor: 'page_info' }),
  input: unwrapped,
  deleted: () => json(200, {}),
  record: (record, resource) => ({ [singular(resource)]: record }),
  page(page, site) {
    const { call, fields, resource } = site;
    // A link keeps the size and the mark, and drops every filter: the mark remembers them.
    const query = new URLSearchParams({ [fields.limit]: `${page.limit}`, ...nextParameter(page, site) });
    const headers = page.more ? { link: linkHeader({ next: `${call.origin}${call.path}?${query}` }) } : {};
    return json(200, { [resource]: page.records }, headers);
  },
};

/** A text, or an object of texts by field: Shopify sends both under the same name. */
function errorsOf({ status, code, message, field, exceeded }: Problem): unknown {
  switch (status) {
    case 401:
      return '[API] Invalid API key or access token (unrecognized login or wrong password)';
    case 404:
      return 'Not Found';
    case 429: {
      const perSecond = exceeded === undefined ? 2 : exceeded.limit / exceeded.windowSeconds;
      const rate = Number(perSecond.toFixed(2));
      return `Exceeded ${rate} calls per second for api client. Reduce request rates to resume uninterrupted service.`;
    }
    default:
      return code === 'invalid_parameter' && field !== undefined ? { [field]: message } : message;
  }
}
