import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { type AddFlags, add } from './add.ts';
import { type DiffFlags, diff } from './diff.ts';
import { Failure } from './failure.ts';
import { info, list, type ShowFlags } from './show.ts';
import { type UpdateFlags, update } from './update.ts';

/** Where the command line runs, and where it writes to. */
export interface Surroundings {
  /** The project's folder. */
  readonly folder: string;
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

/**
 * Runs the command line without its process: nothing exits, and nothing is printed but to `out` and `error`.
 *
 * @returns What to exit with: 0 done; 1 something is left to you, a difference or a conflict; 2 what the caller wrote, or
 * what stands in the folder, is wrong; 3 the registry cannot be read.
 */
export async function main(argv: readonly string[], { folder, out, error }: Surroundings): Promise<0 | 1 | 2 | 3> {
  let exitCode: 0 | 1 = 0;
  const program = new Command('steadfetch')
    .description('Copies API-client patterns into your project, and keeps them up to date without losing your edits.')
    .version(
      (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version,
    )
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: out, writeErr: () => {} });

  command('add', 'copy patterns, one file each')
    .argument('<pattern...>', 'their names, such as backoff or token-bucket/redis')
    .option('--js', 'as JavaScript')
    .option('--dir <folder>', 'where to', 'src/patterns')
    .option('--overwrite', 'even if a file is there that differs')
    .action(async (patterns: string[], flags: AddFlags) => out(await add(folder, patterns, flags)));

  command('list', 'list the patterns')
    .addOption(outputOption())
    .action(async (flags: ShowFlags) => out(await list(flags)));

  command('info', 'tell of a pattern when to use it, and what it does when things fail')
    .argument('<pattern>', 'its name')
    .addOption(outputOption())
    .action(async (pattern: string, flags: ShowFlags) => out(await info(pattern, flags)));

  command('diff', 'show what you changed, and what has changed since; exits with 1 if anything did')
    .argument('[pattern...]', 'their names; all that were copied, if none')
    .action(async (patterns: string[], flags: DiffFlags) => {
      const { text, differs } = await diff(folder, patterns, flags);
      out(text);
      exitCode = differs ? 1 : 0;
    });

  command('update', 'bring copied files to the newest version and keep your edits; exits with 1 if any conflict')
    .argument('[pattern...]', 'their names; all that were copied, if none')
    .option('--dry-run', 'only say what would be done')
    .action(async (patterns: string[], flags: UpdateFlags) => {
      const { text, hasConflicts } = await update(folder, patterns, flags);
      out(text);
      exitCode = hasConflicts ? 1 : 0;
    });

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (failure) {
    if (failure instanceof CommanderError && failure.exitCode === 0) return 0;
    error(`steadfetch: ${explain(failure, program, argv)}\n`);
    return failure instanceof Failure ? failure.exitCode : 2;
  }

  function command(name: string, description: string): Command {
    return program
      .command(name)
      .description(description)
      .option('--registry <url>', 'another registry than the one that came with this command: a URL, or a folder');
  }
}

/** One line that says what is wrong and what is allowed. */
function explain(failure: unknown, program: Command, argv: readonly string[]): string {
  if (!(failure instanceof CommanderError)) return (failure as Error).message;
  const command = program.commands.find((each) => each.name() === argv[0]) ?? program;
  const choices = [...command.commands.map((each) => each.name()), ...command.options.map(({ flags }) => flags)];
  const allowed = `there is: ${choices.join(', ')} (try --help)`;
  if (failure.code === 'commander.help') return `a command is missing; ${allowed}`;
  const reason = failure.message.replace(/^error: /, '').replaceAll('\n', ' ');
  if (failure.code === 'commander.missingArgument') return `${reason}; try steadfetch list`;
  return /unknown|excess/i.test(failure.code) ? `${reason.replace(/\.$/, '')}; ${allowed}` : reason;
}

function outputOption(): Option {
  return new Option('--output <form>', 'for people or for programs').choices(['text', 'json']).default('text');
}
