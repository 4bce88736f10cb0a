import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sirv from 'sirv';

/** A running site. */
export interface RunningSite {
  /** Ends with a slash. */
  readonly url: string;
  close(): void;
}

/**
 * Serves what was built, on this machine only.
 *
 * @param options - `base`: the path that the site seems to stand under. `dist`: where it was built. `port`: any free
 * one, if 0.
 */
export async function serveSite({
  base = '/',
  dist = fileURLToPath(new URL('../dist', import.meta.url)),
  port = 0,
}: {
  readonly base?: string;
  readonly dist?: string;
  readonly port?: number;
} = {}): Promise<RunningSite> {
  const files = sirv(dist, { dev: true });
  const server: Server = createServer((request, response) => {
    const missing = (): void => {
      response.writeHead(404, { 'content-type': 'text/html; charset=utf-8' });
      response.end(readFileSync(join(dist, '404.html')));
    };
    if (!request.url?.startsWith(base)) return missing();
    request.url = request.url.slice(base.length - 1);
    files(request, response, missing);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`;
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4321' } } });
  const port = Number(values.port);
  try {
    if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw new Error('--port must be 0 to 65535');
    console.log(`The catalog is at ${(await serveSite({ port })).url}`);
  } catch (error) {
    console.error(`catalog: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
  }
}
