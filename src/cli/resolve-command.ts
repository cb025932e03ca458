/** A command as typed -> the exact action to ask for. native/run/ask/own_process.cc does the same where it is started. */

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import type { ExecuteRequest } from '../format/action.js';
import { environmentDigest } from '../format/environment-digest.js';
import { exactText } from '../format/exact-text.js';
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
