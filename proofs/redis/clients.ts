/** The clients that people use. */
export type Client = 'redis' | 'ioredis';

/** What a bucket needs of a client. */
export interface Scripts {
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  close(): void;
}

/** Connects as each client does by itself, except that it comes back soon after Redis does. */
export async function connect(kind: Client, port: number): Promise<Scripts> {
  if (kind === 'ioredis') {
    const { Redis } = await import('ioredis');
    const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 });
    client.on('error', () => {});
    return {
      eval: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args),
      close: () => client.disconnect(),
    };
  }
  const { createClient } = await import('redis');
  const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: () => 50 } });
  client.on('error', () => {});
  await client.connect();
  return {
    eval: (script, keys, args) => client.eval(script, { keys, arguments: args }),
    close: () => client.destroy(),
  };
}
