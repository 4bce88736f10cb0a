import type { Sink } from '@steadfetch/resumable-sync';
import { createClient } from 'redis';
import { OvertakenError } from './overtaken.ts';

/**
 * Keeps records in Redis: `sync:{users}:records` holds each by its id, as JSON, `sync:{users}:hashes` its hash, and
 * `sync:{users}:checkpoint` how far it was read. A page and its checkpoint are one script, which nothing comes between.
 *
 * A page lands only after the checkpoint that its sync loaded or committed last. So what a killed process sent, or a
 * process that stood still for long, cannot set the source back when it arrives late: an `OvertakenError`.
 *
 * What a restart of Redis leaves is Redis' to say: `appendonly`, and `maxmemory-policy noeviction`.
 */
export function redisSink(redis: Redis, prefix = 'sync'): Sink<unknown> {
  // What is in braces decides where a cluster puts a key, so all of a source is in one place.
  const keyOf = (source: string, what: string) => `${prefix}:{${source}}:${what}`;

  return {
    async load(source) {
      const text = await redis.get(keyOf(source, 'checkpoint'));
      return text === null ? undefined : JSON.parse(text);
    },

    async commit(source, records, checkpoint, before) {
      const landed = (await redis.eval(COMMIT, {
        keys: ['records', 'hashes', 'checkpoint'].map((what) => keyOf(source, what)),
        arguments: [
          before ? JSON.stringify(before) : '',
          JSON.stringify(checkpoint),
          ...records.flatMap(({ id, hash, item }) => [id, hash, JSON.stringify(item)]),
        ],
      })) as [number, number] | null;
      if (landed === null) throw new OvertakenError(source);
      return { added: landed[0], changed: landed[1] };
    },
  };
}

/** A client of Redis, as {@link connect} makes it. */
export type Redis = Awaited<ReturnType<typeof connect>>;

/** Connects, and waits for Redis while it is away. */
export async function connect(url: string) {
  const redis = createClient({ url });
  redis.on('error', () => {});
  await redis.connect();
  return redis;
}

/** The checkpoint comes last: where Redis refuses before it, as where memory is full, the page is read again. */
const COMMIT = `
  if (redis.call('GET', KEYS[3]) or '') ~= ARGV[1] then return false end
  local added, changed = 0, 0
  for at = 3, #ARGV, 3 do
    local id, hash, item = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local there = redis.call('HGET', KEYS[2], id)
    if there ~= hash then
      redis.call('HSET', KEYS[1], id, item)
      redis.call('HSET', KEYS[2], id, hash)
      if there then changed = changed + 1 else added = added + 1 end
    end
  end
  redis.call('SET', KEYS[3], ARGV[2])
  return { added, changed }
`;

if (import.meta.main) {
  const { createProvider, serve } = await import('@steadfetch/fake-provider');
  const { cursorPagination } = await import('@steadfetch/cursor-pagination');
  const { resumableSync } = await import('@steadfetch/resumable-sync');
  const redis = await connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
  const { url, close } = await serve(createProvider({ auth: false }));

  const figures = await resumableSync(
    ({ resume }) => cursorPagination(`${url}/items`, { resume, next: (body) => ({ cursor: body.next_cursor }) }),
    redisSink(redis),
    { source: 'items', run: crypto.randomUUID() },
  );
  console.log(`${figures.records} records: ${figures.added} added, ${figures.changed} changed`);
  redis.destroy();
  await close();
}
