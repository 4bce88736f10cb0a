import { Problem } from './problem.ts';

/** What a route does. */
export type Operation = 'token' | 'authorize' | 'list' | 'search' | 'get' | 'create' | 'update' | 'delete' | 'batch';

/** How a route counts where limits tell kinds of requests apart. */
export type RouteClass = 'auth' | 'read' | 'search' | 'write';

/** One thing a provider can be asked for. */
export interface Route {
  /** The method and the pattern, such as `GET /users/:id`; the name a configuration calls it by. */
  readonly name: string;
  readonly operation: Operation;
  readonly class: RouteClass;
  /** The resource it is about; absent for the endpoints of OAuth. */
  readonly resource?: string;
}

/** A request that found its route. */
export interface Match<Entry = Route> {
  readonly route: Entry;
  /** What stood in the place of the pattern's last parameter. */
  readonly id: string | undefined;
}

/** Finds the route of a request, or says why there is none. */
export interface Router<Entry = Route> {
  /** `refusal` is the answer where there is no match. */
  find(method: string, path: string): { readonly match?: Match<Entry>; readonly refusal?: Problem };
}

const CLASSES: Readonly<Record<Operation, RouteClass>> = {
  token: 'auth',
  authorize: 'auth',
  list: 'read',
  get: 'read',
  search: 'search',
  create: 'write',
  update: 'write',
  delete: 'write',
  batch: 'write',
};

/** A route from its name, such as `GET /users/:id`. */
export function route(name: string, operation: Operation, resource?: string): Route {
  return { name, operation, class: CLASSES[operation], ...(resource === undefined ? {} : { resource }) };
}

/**
 * Makes a router. A step of a pattern that begins with a colon takes any text, up to the ending it may name, as
 * `:id.json` does; HEAD goes where GET does.
 */
export function createRouter<Entry extends Pick<Route, 'name'>>(routes: readonly Entry[]): Router<Entry> {
  const table = routes.map((entry) => {
    const [method = '', pattern = ''] = entry.name.split(' ');
    return { entry, method, steps: pattern.split('/') };
  });

  return {
    find(method, path) {
      const steps = path.split('/');
      const fitting = table
        .map((row) => ({ ...row, id: idWhereFitting(row.steps, steps) }))
        .filter(({ id }) => id !== NO_FIT)
        // `/users/batch` is not the record called batch.
        .sort((one, other) => parameters(one.steps) - parameters(other.steps));
      if (fitting.length === 0) return { refusal: new Problem(404, 'not_found', 'no such path', { field: 'path' }) };

      const served = method === 'HEAD' ? 'GET' : method;
      const found = fitting.find((row) => row.method === served);
      if (found !== undefined) return { match: { route: found.entry, id: found.id as string | undefined } };
      const methods = [...new Set(fitting.map((row) => row.method))];
      const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
      return {
        refusal: new Problem(405, 'method_not_allowed', `method must be ${allow}`, {
          field: 'method',
          headers: { allow },
        }),
      };
    },
  };
}

const NO_FIT = Symbol('no fit');

/** What the last parameter of the pattern stands for in this path, if the path fits at all. */
function idWhereFitting(pattern: readonly string[], steps: readonly string[]): string | undefined | typeof NO_FIT {
  if (pattern.length !== steps.length) return NO_FIT;
  let id: string | undefined;
  for (const [index, expected] of pattern.entries()) {
    const step = steps[index]!;
    const ending = expected.startsWith(':') ? expected.replace(/^[^.]*/, '') : undefined;
    if (ending !== undefined && step.length > ending.length && step.endsWith(ending)) {
      id = step.slice(0, step.length - ending.length);
    } else if (expected !== step) return NO_FIT;
  }
  return id;
}

function parameters(steps: readonly string[]): number {
  return steps.filter((step) => step.startsWith(':')).length;
}
