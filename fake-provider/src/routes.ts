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
  const table = routes
    .map((entry) => {
      const [method = '', pattern = ''] = entry.name.split(' ');
      return { entry, method, steps: pattern.split('/').map(stepOf) };
    })
    // `/users/batch` is not the record called batch.
    .sort((one, other) => parameters(one.steps) - parameters(other.steps));

  return {
    find(method, path) {
      const steps = path.split('/');
      const fitting = table.filter((row) => fits(row.steps, steps));
      if (fitting.length === 0) return { refusal: new Problem(404, 'not_found', 'no such path', { field: 'path' }) };

      const served = method === 'HEAD' ? 'GET' : method;
      const found = fitting.find((row) => row.method === served);
      if (found !== undefined) return { match: { route: found.entry, id: idIn(found.steps, steps) } };
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

/** One step of a pattern: a text, or a parameter with the ending that it names, `.json` of `:id.json`. */
type Step = { readonly text: string } | { readonly text?: undefined; readonly ending: string };

function stepOf(text: string): Step {
  return text.startsWith(':') ? { ending: /\..*/.exec(text)?.[0] ?? '' } : { text };
}

function fits(pattern: readonly Step[], steps: readonly string[]): boolean {
  return pattern.length === steps.length && pattern.every((expected, index) => fitsStep(expected, steps[index]!));
}

function fitsStep(expected: Step, step: string): boolean {
  if (expected.text !== undefined) return expected.text === step;
  return step.length > expected.ending.length && step.endsWith(expected.ending);
}

/** What the last parameter of the pattern stands for in a path that fits it. */
function idIn(pattern: readonly Step[], steps: readonly string[]): string | undefined {
  const index = pattern.findLastIndex(({ text }) => text === undefined);
  const expected = pattern[index];
  if (expected === undefined || expected.text !== undefined) return undefined;
  return steps[index]!.slice(0, steps[index]!.length - expected.ending.length);
}

function parameters(steps: readonly Step[]): number {
  return steps.filter(({ text }) => text === undefined).length;
}
