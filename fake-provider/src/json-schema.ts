import { z } from 'zod';
import { configSchema } from './config.ts';

/** The JSON Schema of a configuration as people write it, for editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' });
  return { ...schema, title: 'Configuration of a fake provider' };
}
