/** The command line as a whole: global options, the commands that are named on it, and how each ends. */

import { Command, CommanderError, Option } from 'commander';
import type { Action, CommandEntry } from './command.js';
import { commandTable, groupSummaries } from './command-table.js';
import { createContext, type Environment, type GlobalFlags } from './context.js';
import { type ExitCode, exitCodes } from './exit-code.js';
import { explain, type Failure } from './failure.js';
import { type Channel, Output } from './output.js';
import type { OwnProcess } from './own-process.js';

/** The outside of a run. `words` are the arguments behind the program's name. */
export interface CliParts {
  readonly words: readonly string[];
  readonly environment: Environment;
  readonly own: OwnProcess;
  readonly version: string;
  readonly standard: Channel;
  readonly error: Channel;
}

const epilogue = `
Exit codes:
  0 allowed or valid   1 denied or invalid   2 usage   3 unavailable
  (run passes on the exit code of the program that it started)

Run writ COMMAND --help for examples. docs/cli.md describes every command.`;

/** `-o` means the same to every command that has it: the file that the outcome is written to. */
interface OutputFlags {
  readonly output?: string;
}

/** Runs one command line and returns its exit code. Never rejects. */
export async function runCli(parts: CliParts): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.usage;
  const outputFor = (json: boolean) => new Output({ standard: parts.standard, error: parts.error, json });
  const perform = async (command: Command, action: Action): Promise<void> => {
    const flags = command.optsWithGlobals<GlobalFlags & OutputFlags>();
    if (flags.output !== undefined) await (await import('./artifact-file.js')).requireWritable(flags.output);
    const context = await createContext(flags, parts, outputFor(flags.json === true));
    exitCode = await action(context);
  };
  const json = isJsonAsked(parts.words);
  const program = await buildProgram(parts, perform, json);
  try {
    await program.parseAsync([...parts.words], { from: 'user' });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError && helpWasAsked(cause)) return exitCodes.ok;
    // As text, the parser of command lines has said it already.
    if (cause instanceof CommanderError && !json) return exitCodes.usage;
    const failure = cause instanceof CommanderError ? misuse(cause) : await explain(cause);
    const output = outputFor(json);
    if (output.json) output.result({ error: { code: failure.code, message: failure.message } }, () => []);
    else output.note(`writ: ${failure.message}`);
    return failure.exitCode;
  }
}

async function buildProgram(
  { words, version, standard, error }: CliParts,
  perform: (command: Command, action: Action) => Promise<void>,
  json: boolean,
): Promise<Command> {
  const program = new Command('writ')
    .description('No execution without a writ: ask, verify, run and look things up.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: standard.write, writeErr: json ? () => {} : error.write })
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => command.name() })
    .enablePositionalOptions()
    .showHelpAfterError('(writ --help lists the commands; writ COMMAND --help gives examples)')
    .addHelpText('after', epilogue);
  addGlobalOptions(program);
  for (const entry of commandTable) {
    const command = parentOf(program, entry)
      .command(entry.path.at(-1) ?? '')
      .summary(entry.summary);
    command.description(sentence(entry.summary));
    addGlobalOptions(command);
    // A command whose name is not on the line cannot be the one that runs, so its file need not be read.
    if (!entry.path.every((name) => words.includes(name))) continue;
    const { define } = await entry.load();
    define(command, (action) => command.action(() => perform(command, action)));
  }
  return program;
}

/** The program itself, or the group that a two-word command belongs to. */
function parentOf(program: Command, { path }: CommandEntry): Command {
  const [group, member] = path;
  if (member === undefined) return program;
  const known = program.commands.find((command) => command.name() === group);
  if (known !== undefined) return known;
  const summary = groupSummaries[group] ?? '';
  const made = program.command(group).summary(summary).description(sentence(summary));
  made.enablePositionalOptions();
  addGlobalOptions(made);
  return made;
}

/** Accepted before and behind every command's name. */
function addGlobalOptions(command: Command): void {
  command
    .addOption(new Option('--socket <path>', "the daemon's socket (otherwise WRIT_SOCKET or the default)"))
    .addOption(new Option('--state <directory>', 'the state directory (otherwise WRIT_HOME or the default)'))
    .addOption(new Option('--json', 'print one JSON document instead of text'));
}

function helpWasAsked({ code }: CommanderError): boolean {
  return code === 'commander.helpDisplayed' || code === 'commander.version';
}

/** A command line that cannot be parsed, or names no command, for a program to read. */
function misuse({ code, message }: CommanderError): Failure {
  const sentence =
    code === 'commander.help'
      ? 'no command was named; writ --help lists the commands'
      : message.replace(/^error: /, '');
  return { exitCode: exitCodes.usage, code: 'USAGE', message: sentence };
}

/** Before the command line could be parsed, or although it could not be: words behind `--` are not ours. */
function isJsonAsked(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? words.length : end).includes('--json');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
