import { invalidParameter, Problem } from '../problem.ts';
import { quote } from '../query.ts';

/** What a client says of a record. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a record that a client wants to write.
 *
 * @param required - The fields that must be there.
 * @throws {@link Problem} 400 naming the field at fault.
 */
export function readFields(input: unknown, required: readonly string[]): Fields {
  if (!isObject(input)) throw new Problem(400, 'invalid_body', 'body must be an object of fields', { field: 'body' });
  const missing = required.find((field) => !Object.hasOwn(input, field));
  if (missing !== undefined) throw invalidParameter(missing, 'is missing');
  const entries = Object.entries(input);
  if (entries.length > MOST) throw invalidParameter('body', `must have at most ${MOST} fields`);
  for (const [field, value] of entries) {
    if (!/^[A-Za-z][\w.-]{0,63}$/.test(field)) throw invalidParameter('body', `has no field ${quote(field)}`);
    const reason = reasonAgainst(field, value);
    if (reason !== undefined) throw invalidParameter(field, reason);
  }
  return input;
}

/** Whether something is an object of JSON, neither array nor null. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reasonAgainst(field: string, value: unknown): string | undefined {
  if (READ_ONLY.includes(field)) return 'cannot be set';
  if (field === 'name' && !(typeof value === 'string' && value.length >= 1 && value.length <= 200)) {
    return 'must be a text of 1 to 200 characters';
  }
  if (field === 'amount_cents' && !(Number.isSafeInteger(value) && (value as number) >= 0)) {
    return 'must be a whole number, 0 or more';
  }
  return isTooDeep(value) ? `must not be nested more than ${DEEPEST} levels deep` : undefined;
}

/** Whether a value nests so deep that it could not be written out again. */
function isTooDeep(value: unknown, left: number = DEEPEST): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isTooDeep(inner, left - 1));
}

const READ_ONLY = ['id', 'created_at', 'updated_at', 'version'];

/** More than any record of a platform has. */
const MOST = 500;

/** Deeper than any record of a platform goes. */
const DEEPEST = 100;
