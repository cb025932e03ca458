/** A command as typed -> the exact action to ask for, and how to start exactly that. */

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import type { ExecuteRequest } from '../format/action.js';
import { environmentDigest } from '../format/environment-digest.js';
import { type ExactText, exactText } from '../format/exact-text.js';
import { UsageError } from './cli-error.js';
import type { OwnProcess } from './own-process.js';

const slash = 0x2f;

/**
 * What is asked for when `words` are typed: the executable that PATH leads to, links resolved, and argv, working
 * directory and environment as they are. Throws UsageError when there is no such executable.
 */
export function resolveCommand(
  words: readonly string[],
  own: OwnProcess,
  searchPath: string,
): ExecuteRequest {
  const argv = own.lastArguments(words);
  const [command] = argv;
  if (command === undefined) throw new UsageError('no command was given; write it behind --');
  return {
    type: 'execute',
    executable: exactText(findExecutable(command, searchPath)),
    argv: argv.map(exactText),
    cwd: exactText(own.workingDirectory()),
    environmentDigest: environmentDigest(own.environment()),
  };
}

/** As execvp(3) searches, but links resolved: the path of the file that will be digested and started. */
function findExecutable(command: Uint8Array, searchPath: string): Uint8Array {
  const candidates = command.includes(slash)
    ? [Buffer.from(command)]
    : searchPath
        .split(':')
        .map((directory) =>
          Buffer.concat([Buffer.from(directory === '' ? '.' : directory), Buffer.from('/'), command]),
        );
  const found = candidates.find(isExecutableFile);
  if (found !== undefined) return realpathSync.native(found, { encoding: 'buffer' });
  if (command.length === 0) throw new UsageError('the command is an empty word; name a program');
  const shown = new TextDecoder().decode(command);
  throw new UsageError(
    command.includes(slash)
      ? `${shown} is not an executable file that this user may run`
      : `there is no executable ${shown} in PATH`,
  );
}

function isExecutableFile(path: Buffer): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR' || code === 'ELOOP') return false;
    throw cause;
  }
}

/** A command in the form that Node can start without changing a byte of it. */
export interface Startable {
  readonly path: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws UsageError for bytes that Node cannot pass on: it starts programs with UTF-8 text only. */
export function startable(request: ExecuteRequest, own: OwnProcess): Startable {
  const [argv0 = '', ...args] = request.argv.map((word) => utf8Only(word, 'an argument'));
  const variables = own.environment().map((bytes) => {
    const text = utf8Only(exactText(bytes), 'an environment variable');
    const split = text.indexOf('=');
    if (split < 1)
      throw new UsageError(
        'the environment holds something that is no NAME=VALUE, which cannot be passed on',
      );
    return [text.slice(0, split), text.slice(split + 1)] as const;
  });
  const names = new Set(variables.map(([name]) => name));
  if (names.size !== variables.length)
    throw new UsageError('the environment names a variable twice, which cannot be passed on exactly');
  return {
    path: utf8Only(request.executable, 'the path of the executable'),
    argv0,
    args,
    cwd: utf8Only(request.cwd, 'the working directory'),
    environment: Object.fromEntries(variables),
  };
}

function utf8Only(text: ExactText, what: string): string {
  if (typeof text === 'string') return text;
  throw new UsageError(`${what} is not UTF-8: it can be authorized, but writ run cannot start it`);
}
