import type { Call } from '../call.ts';
import { Problem } from '../problem.ts';

/**
 * The body of a write, read as JSON.
 *
 * @throws {@link Problem} 415 or 400 if it is none.
 */
export function jsonInput({ headers, body }: Call): unknown {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  if (!/^application\/([\w.-]+\+)?json$/i.test(mediaType.trim())) {
    throw new Problem(415, 'unsupported_media_type', 'content-type must be application/json', {
      field: 'content-type',
    });
  }
  try {
    return JSON.parse(body);
  } catch {
    throw new Problem(400, 'invalid_json', 'body must be JSON', { field: 'body' });
  }
}

/** The items of a batch: the array itself, or the one under `items`. */
export function itemsOf(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'items' in input ? input.items : input;
}
