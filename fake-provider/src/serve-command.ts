import { appendFileSync, writeFileSync } from 'node:fs';
import { ConfigError, type ConfigInput, parseConfig } from './config.ts';
import { readConfigFile, readPlanFile } from './config-file.ts';
import type { LedgerEntry } from './ledger/ledger.ts';
import { logLine } from './ledger/log-line.ts';
import { planLine } from './plan.ts';
import { createProvider } from './provider.ts';
import { type ScenarioId, scenario } from './scenarios/index.ts';
import { type RunningServer, serve } from './transports/express.ts';
import { watchFile } from './watch.ts';

/** Where the command line writes. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Where progress is drawn, if that is a terminal. */
  readonly terminal?: NodeJS.WriteStream | undefined;
  /** Ends what runs until it is ended. */
  readonly interruption?: AbortSignal | undefined;
}

/** What `serve` can be told, as commander names it. */
export interface ServeFlags extends Pick<ConfigInput, 'profile' | 'seed'> {
  readonly port: number;
  readonly host: string;
  readonly adminToken?: string;
  readonly scenario?: ScenarioId;
  readonly config?: string;
  readonly watch?: true;
  readonly recordPlan?: string;
  readonly plan?: string;
  readonly output: 'text' | 'json';
  readonly quiet?: true;
}

/** Serves until the result is closed. */
export async function serveAsTold(flags: ServeFlags, { out, error }: Streams): Promise<RunningServer> {
  const { port, host, config: file, recordPlan: record, plan, output, quiet } = flags;
  if (flags.watch && file === undefined) throw new ConfigError([], '--watch needs --config <file> to watch');

  const provider = createProvider(readConfig(flags), {
    ...(plan === undefined ? {} : { plan: readPlanFile(plan) }),
    ...(record === undefined ? {} : { recordPlan: (fault) => appendFileSync(record, planLine(fault)) }),
  });
  if (record !== undefined) writeFileSync(record, '');

  const say = (type: string, fields: object, text: string): void =>
    out(output === 'json' ? `${JSON.stringify({ type, ...fields })}\n` : text);
  const onRequest = (entry: LedgerEntry): void => say('request', entry, `${logLine(entry)}\n`);
  const adminToken = flags.adminToken === 'random' ? crypto.randomUUID() : flags.adminToken;
  const server = await serve(provider, {
    port,
    host,
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(quiet ? {} : { onRequest }),
  });

  const replay = replayOf(flags, provider.config.seed);
  const isNew = flags.adminToken === 'random';
  say(
    'listening',
    { url: server.url, seed: provider.config.seed, replay, ...(isNew ? { adminToken } : {}) },
    `Listening on ${server.url}\nSame again: ${replay}\n${isNew ? `Admin token: ${adminToken}\n` : ''}`,
  );
  if (!flags.watch || file === undefined) return server;

  const unwatch = watchFile(file, () => {
    try {
      provider.reset(readConfig(flags));
      say('begun-again', { file }, `Begun again by ${file}\n`);
    } catch (failure) {
      if (!(failure instanceof ConfigError)) throw failure;
      error(`fake-provider: ${failure.message}; going on as before\n`);
    }
  });
  return {
    url: server.url,
    close() {
      unwatch();
      return server.close();
    },
  };
}

function readConfig({ config: file, scenario: id, profile, seed }: ServeFlags): ConfigInput {
  const over = { ...(profile === undefined ? {} : { profile }), ...(seed === undefined ? {} : { seed }) };
  if (id !== undefined) return parseConfig({ ...scenario(id).config, ...over });
  return file === undefined ? parseConfig(over) : readConfigFile(file, over);
}

/** The command that does the same again. */
function replayOf({ profile, scenario: id, config, plan }: ServeFlags, seed: number): string {
  const flags = { profile, scenario: id, config, plan, seed };
  const words = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  return ['fake-provider serve', ...words].join(' ');
}
