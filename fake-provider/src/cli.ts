import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ConfigError } from './config.ts';
import { readConfigFile } from './config-file.ts';
import type { ConformanceFlags } from './conformance/command.ts';
import { configJsonSchema } from './json-schema.ts';
import { columns, lists } from './lists.ts';
import { profiles } from './profiles/index.ts';
import { scenarios } from './scenarios/index.ts';
import { type ServeFlags, type Streams, serveAsTold } from './serve-command.ts';
import type { RunningServer } from './transports/express.ts';

export type { Streams } from './serve-command.ts';

/** How a command ended: what it exits with, and the server it leaves running, if any. */
export interface Outcome {
  /**
   * 0 success; 1 a client does not conform; 2 something the caller wrote is wrong: a flag, a value, a configuration, a
   * port; 3 a client could not be started, or never asked for anything.
   */
  readonly exitCode: 0 | 1 | 2 | 3;
  readonly server?: RunningServer;
}

/** Runs the command line without its process: nothing exits, and nothing is written but to `streams`. */
export async function main(argv: readonly string[], streams: Streams): Promise<Outcome> {
  const { out, error } = streams;
  let server: RunningServer | undefined;
  let exitCode: Outcome['exitCode'] = 0;

  const program = new Command('fake-provider')
    .description('An API provider that behaves as badly as real ones do, repeatably by seed.')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: out, writeErr: () => {} });

  program
    .command('serve')
    .description('listen until interrupted')
    .option('--port <number>', 'the port; 0 takes any free one', toWholeNumber(0, 65_535), 4010)
    .option('--host <address>', 'the address; any but this machine needs --admin-token', '127.0.0.1')
    .addOption(
      new Option('--profile <name>', 'the platform to behave as; overrides the configuration').choices(
        Object.keys(profiles),
      ),
    )
    .addOption(
      new Option('--scenario <id>', 'a bad day that is ready to run')
        .choices(scenarios.map(({ id }) => id))
        .conflicts(['profile', 'config']),
    )
    .option('--config <file>', 'a configuration in YAML or JSON')
    .option('--watch', 'begin again when the configuration changes')
    .option(
      '--seed <number>',
      'the seed of every decision; overrides the configuration',
      toWholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--record-plan <file>', 'write down each fault as it is delivered, as NDJSON')
    .option('--plan <file>', 'deliver exactly the faults that were written down, whatever is configured')
    .addOption(
      new Option('--admin-token <text>', 'what /__admin asks for; random makes one and prints it').env(
        'FAKE_PROVIDER_ADMIN_TOKEN',
      ),
    )
    .addOption(outputOption())
    .option('--quiet', 'no line for each request')
    .action(async (flags: ServeFlags) => {
      server = await serveAsTold(flags, { out, error });
    });

  program
    .command('conformance')
    .description('run a client through bad days, and say what it does wrong')
    .argument('<client...>', 'after --: the program and its arguments, started once for each case, without a shell')
    .option('--case <glob>', 'the cases to run, such as "rate-limit/**"; may be given again', collect)
    .option(
      '--seed <number>',
      "the seed from which each case's own follows",
      toWholeNumber(0, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--name <text>', 'what the client is called in reports')
    .option('--concurrency <number>', 'how many cases run at the same time', toWholeNumber(1, 100), 4)
    .option('--deadline-seconds <number>', 'how long the client has for one case', toWholeNumber(1, 86_400), 30)
    .option('--known-failing <file>', 'ids of cases that may fail, one a line; one that passes fails the run')
    .addOption(outputOption())
    .option('--json <file>', 'write the report as JSON')
    .option('--junit <file>', 'write the report as JUnit XML')
    .option('--html <file>', 'write the report as a page')
    .action(async (client: string[], flags: ConformanceFlags) => {
      // Only who runs the suite waits for what it is made of.
      const { conformAsTold } = await import('./conformance/command.ts');
      exitCode = await conformAsTold(client, flags, streams);
    });

  program
    .command('conformance-matrix')
    .description('make one page of many JSON reports: clients by cases')
    .argument('<report...>', 'files that conformance --json wrote')
    .requiredOption('--html <file>', 'where to write the page')
    .action(async (files: string[], flags: { html: string }) => {
      const { matrixAsTold } = await import('./conformance/command.ts');
      matrixAsTold(files, flags);
    });

  program
    .command('validate')
    .description('check a configuration; says which line and field is wrong')
    .argument('<file>', 'a configuration in YAML or JSON')
    .action((file: string) => {
      readConfigFile(file);
      out(`${file}: valid\n`);
    });

  program
    .command('schema')
    .description('print the JSON Schema of a configuration')
    .action(() => out(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));

  for (const [name, { what, entries }] of Object.entries(lists)) {
    program
      .command(name)
      .description(`list ${what}`)
      .addOption(outputOption())
      .action(({ output }: Pick<ServeFlags, 'output'>) =>
        out(output === 'json' ? `${JSON.stringify(entries)}\n` : columns(entries)),
      );
  }

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return server === undefined ? { exitCode } : { exitCode, server };
  } catch (failure) {
    if (failure instanceof CommanderError && failure.exitCode === 0) return { exitCode: 0 };
    error(`fake-provider: ${explain(failure, program, argv)}\n`);
    return { exitCode: (failure as Error).name === 'ClientStartError' ? 3 : 2 };
  }
}

/** One line that says what is wrong and what is allowed. */
function explain(failure: unknown, program: Command, argv: readonly string[]): string {
  if (failure instanceof CommanderError) {
    const command = program.commands.find((each) => each.name() === argv[0]) ?? program;
    const choices = [...command.commands.map((each) => each.name()), ...command.options.map(({ flags }) => flags)];
    const allowed = `there is: ${choices.join(', ')} (try --help)`;
    if (failure.code === 'commander.missingArgument') {
      const [missing] = command.registeredArguments;
      return `${failure.message.replace(/^error: /, '')}; ${missing!.description} (try --help)`;
    }
    if (failure.code === 'commander.help') return `a command is missing; ${allowed}`;
    const reason = failure.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return /unknown|excess/.test(failure.code) ? `${reason.replace(/\.$/, '')}; ${allowed}` : reason;
  }
  if (failure instanceof ConfigError) return failure.message;
  if (failure instanceof RangeError) return `${failure.message}: --admin-token <text>, or random for a new one`;
  const { code, port, message } = failure as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `--port ${port} is in use; choose another, or 0 for any free one`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `--host is no address of this machine (${code})`;
  if (code === 'EACCES') return `--port ${port} needs more rights than this user has; choose one above 1023`;
  return message;
}

function outputOption(): Option {
  return new Option('--output <form>', 'for people or for programs').choices(['text', 'json']).default('text');
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function toWholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
