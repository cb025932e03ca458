/** Errors that end a command with a sentence instead of a stack trace. */

import { exitCodes } from './exit-code.js';

/** What the user gave cannot be used; the message says what to give instead. Exit code 2. */
export class UsageError extends Error {
  readonly exitCode = exitCodes.usage;
  readonly label = 'USAGE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Something that the command needs is not there: exit code 3. */
export class MissingError extends Error {
  readonly exitCode = exitCodes.unavailable;
  readonly label = 'UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MissingError';
  }
}

/** What a file system error says to a person. */
export function fileProblem(path: string, cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return `there is no file ${path}`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not use ${path}`;
    case 'EISDIR':
      return `${path} is a directory`;
    case 'ENOTDIR':
      return `${path} cannot be used: a part of this path is a file, not a directory`;
    default:
      return `${path} cannot be used: ${message}`;
  }
}
