/** The texts of values that are sent again and again, such as records. */
const texts = new WeakMap<object, string>();

/** Keeps the JSON of a value that never changes, so that {@link toJson} need not write it out each time. */
export function keepText<Value extends object>(value: Value): Value {
  if (!texts.has(value)) texts.set(value, JSON.stringify(value));
  return value;
}

/** `JSON.stringify`, but for kept values: the body, what stands in it, or in an array of it, where the time goes. */
export function toJson(body: unknown): string {
  if (Array.isArray(body)) return `[${body.map(textOf).join(',')}]`;
  if (typeof body !== 'object' || body === null || texts.has(body) || 'toJSON' in body) return textOf(body);
  const fields = Object.entries(body).filter(([, value]) => value !== undefined);
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${Array.isArray(value) ? toJson(value) : textOf(value)}`).join(',')}}`;
}

function textOf(value: unknown): string {
  const kept = typeof value === 'object' && value !== null ? texts.get(value) : undefined;
  return kept ?? JSON.stringify(value) ?? 'null';
}
