import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { backoff } from '@steadfetch/backoff';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { pinoLog } from './pino.ts';

it('writes a line for each attempt, as grave as its outcome, and one for each event', async () => {
  const { lines, log, onEvent } = logged();
  const outcomes = [503, 429, new TypeError('secret'), 404];
  const steady = backoff({ baseMs: 1, onEvent: onEvent('backoff') })(
    log(async () => {
      const outcome = outcomes.shift();
      if (typeof outcome === 'number') return new Response(null, { status: outcome });
      throw outcome;
    }),
  );

  await log.numbered(steady)('https://api.test/items?token=secret', {
    headers: { authorization: 'secret' },
  });

  expect(lines.map(({ level, msg, attempt }) => [level, msg, attempt])).toEqual([
    ['error', 'GET https://api.test/items 503', 1],
    ['info', 'backoff: retry', 1],
    ['warn', 'GET https://api.test/items 429', 2],
    ['info', 'backoff: retry', 2],
    ['error', 'GET https://api.test/items TypeError', 3],
    ['info', 'backoff: retry', 3],
    ['warn', 'GET https://api.test/items 404', 4],
  ]);
  expect(lines[1]).toMatchObject({ pattern: 'backoff', type: 'retry', status: 503, url: 'https://api.test/items' });
  expect(JSON.stringify(lines)).not.toContain('secret');
});

it('has something to show when it is run', () => {
  const out = execFileSync(process.execPath, [fileURLToPath(new URL('pino.ts', import.meta.url))], {
    encoding: 'utf8',
  });
  const messages = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);

  expect(messages).toContain('GET https://api.example.com/items 200');
  expect(messages).toContain('backoff: retry');
});

function logged() {
  const lines: Record<string, unknown>[] = [];
  const options = { base: null, timestamp: false, formatters: { level: (level: string) => ({ level }) } };
  const logger = pino(options, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, ...pinoLog(logger) };
}
