/**
 * Opens a PIN, inside the process that logs in: from its source it goes into a locked page that the addon alone can read,
 * and from there into the module. It never becomes a value of JavaScript.
 */

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoName } from '../../kernel/errno.js';
import { unsealSecret } from '../../kernel/sealed-secret.js';
import {
  askSecret,
  equalSecrets,
  isLocked,
  readSecret,
  type Secret,
  withSecret,
} from '../../kernel/secret.js';
import { HsmError, type HsmFaultCode, hsmFault } from '../faults.js';
import { type PinSource, promptTimeoutMs } from '../pin-source.js';
import { readSealedPin } from '../sealed-pin.js';

/** An open PIN, and what tells it from the next one of the same source without saying anything about it. */
export interface Pin {
  readonly secret: Secret;
  /** Where a refusal of it is remembered, and as what; null for a PIN that a person types anew each time. */
  readonly memory: { readonly path: string; readonly mark: string } | null;
  /** False where this process may lock no memory: no reason to sign nothing, but one to tell the operator. */
  readonly keptFromSwap: boolean;
}

/** What to tell whoever runs a process that held a PIN in memory that it could not lock. */
export const swapWarning =
  'the PIN was for a moment in memory that may be written to swap, because this process may lock none: raise ' +
  'RLIMIT_MEMLOCK (LimitMEMLOCK= of the service), or encrypt the swap space';

/** What a person is asked, where one is asked. */
export interface PinQuestion {
  readonly text: string;
  /** `once` for a PIN that the token knows, `twice` for one that it is about to learn. */
  readonly ask: 'once' | 'twice';
}

/**
 * Opens the PIN, lends it to `work`, and wipes it afterwards. Throws HsmError `pin-file`, `pin-credential`, `pin-prompt`, `pin-sealed`,
 * and what `work` throws.
 */
export function withPin<Result>(
  source: PinSource,
  question: PinQuestion,
  work: (pin: Pin) => Result,
): Result {
  const { secret, memory } = openPin(source, question);
  return withSecret(secret, () => work({ secret, memory, keptFromSwap: isLocked(secret) }));
}

type OpenedPin = Omit<Pin, 'keptFromSwap'>;

function openPin(source: PinSource, question: PinQuestion): OpenedPin {
  switch (source.type) {
    case 'file':
      return openFile(source.path, 'pin-file', `the PIN file ${source.path}`, `${source.path}.refused`);
    case 'credential': {
      const { name, refusalFile } = source;
      const { CREDENTIALS_DIRECTORY: directory } = process.env;
      if (directory === undefined) {
        const message = `there is no credential ${name}: systemd gave this process none (CREDENTIALS_DIRECTORY is not set)`;
        throw new HsmError(hsmFault('pin-credential', message));
      }
      const opened = openFile(join(directory, name), 'pin-credential', `the credential ${name}`, refusalFile);
      // Each start of a service gives it new files, so nothing about the file says whether the PIN is another one.
      return { secret: opened.secret, memory: { path: refusalFile, mark: `credential ${name}` } };
    }
    case 'prompt':
      return { secret: askPerson(question), memory: null };
    case 'tpm':
      return unseal(source.path);
  }
}

function openFile(path: string, code: HsmFaultCode, name: string, refusalFile: string): OpenedPin {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw unreadable(code, name, cause);
  }
  try {
    const { mode, ino, size, mtimeNs } = fstatSync(file, { bigint: true });
    if ((mode & 0o077n) !== 0n) throw new HsmError(hsmFault(code, `${name} is open to other users`));
    const secret = readSecret(file);
    if (secret === null) throw new HsmError(hsmFault(code, `${name} does not hold exactly one line`));
    return { secret, memory: { path: refusalFile, mark: `${ino} ${size} ${mtimeNs}` } };
  } catch (cause) {
    throw cause instanceof HsmError ? cause : unreadable(code, name, cause);
  } finally {
    closeSync(file);
  }
}

function unseal(path: string): OpenedPin {
  const sealed = readSealedPin(path);
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  try {
    return {
      secret: unsealSecret(sealed),
      memory: { path: `${path}.refused`, mark: `${ino} ${size} ${mtimeNs}` },
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HsmError(hsmFault('pin-sealed', `the PIN in ${path} cannot be unsealed (${reason})`), {
      cause,
    });
  }
}

function unreadable(code: HsmFaultCode, name: string, cause: unknown): HsmError {
  const reason = errnoName(cause) ?? 'unknown error';
  return new HsmError(hsmFault(code, `${name} cannot be read (${reason})`), { cause });
}

function askPerson({ text, ask }: PinQuestion): Secret {
  const secret = askOnce(`${text}: `);
  if (ask === 'once') return secret;
  return withSecret(askOnce(`${text}, once more: `), (again) => {
    if (equalSecrets(secret, again)) return secret;
    return withSecret(secret, () => {
      throw new HsmError(hsmFault('pin-prompt', 'the two answers differ'));
    });
  });
}

function askOnce(question: string): Secret {
  try {
    return askSecret(question, promptTimeoutMs);
  } catch (cause) {
    throw new HsmError(hsmFault('pin-prompt', `no PIN was typed: ${promptFailure(errnoName(cause))}`), {
      cause,
    });
  }
}

function promptFailure(errno: string | null): string {
  switch (errno) {
    case 'ENXIO':
    case 'ENOENT':
      return 'this process has no terminal';
    case 'ENOTTY':
      return 'this process is not in the foreground of its terminal';
    case 'ECANCELED':
      return 'the question was dismissed';
    case 'ETIMEDOUT':
      return `the question stood for ${promptTimeoutMs / 1000} s`;
    default:
      return `the terminal failed (${errno ?? 'unknown error'})`;
  }
}
