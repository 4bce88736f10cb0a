import { z } from 'zod';
import { type Call, json, type Reply } from '../call.ts';
import { ConfigError, parseWith } from '../config.ts';
import { invalidParameter } from '../problem.ts';
import type { Provider } from '../provider.ts';

/** The provider as the admin routes know it. */
export type Steered = Omit<Provider, 'fetch' | 'admin'>;

/** One thing that can be asked under `/__admin`. */
export interface AdminRoute {
  /** The method and the pattern, such as `GET /__admin/health`. */
  readonly name: string;
  /** One line for people who choose. */
  readonly summary: string;
  /** Whether anyone may ask, token or not. */
  readonly isPublic?: boolean;
  /**
   * Answers; `id` is what stood in the place of the pattern's parameter.
   *
   * @throws `Problem` or `ConfigError` naming the field at fault.
   */
  answer(provider: Steered, call: Call, id: string): Reply;
}

/** Where everything is that steers the provider instead of using it. */
const ADMIN_PATH = '/__admin';

/** Whether a request is for the admin, and so costs nothing and is not in the ledger. */
export function isForAdmin(path: string): boolean {
  return path === ADMIN_PATH || path.startsWith(`${ADMIN_PATH}/`);
}

/**
 * Reads a JSON body; an empty one is an empty object.
 *
 * @throws `Problem` or `ConfigError` naming the field at fault.
 */
export function bodyOf<Schema extends z.ZodType>(schema: Schema, { body }: Call): z.output<Schema> {
  return parseWith(schema, parsed(body));
}

/** A body in which nothing can be set. */
export const nothing = z.strictObject({});

/** Calls `attempt`, and tells of wrong fields by the way that leads to them in the body of the request. */
export function under<Value>(field: string, attempt: () => Value): Value {
  try {
    return attempt();
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError([field, ...error.path], error.reason) : error;
  }
}

/** A reply that says what was done, where there is nothing else to say. */
export const done: Reply = json(200, { done: true });

/** A moment, for people and for programs. */
export function moment(ms: number): { readonly ms: number; readonly iso: string } {
  return { ms, iso: new Date(ms).toISOString() };
}

function parsed(body: string): unknown {
  if (body.trim() === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw invalidParameter('body', 'must be JSON');
  }
}
