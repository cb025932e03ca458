/**
 * Logging in without ever locking a token. A PIN that a token refused is not presented again until its file changes,
 * not even by the next process: the refusal is remembered in a file beside the PIN's. Where that cannot be written, the
 * token's own flags still stop the try that would lock it.
 */

import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type Session, type Token, TokenFlag, UserType } from 'graphene-pk11';
import { faultOf, HsmError, hsmFault } from '../faults.js';

/** Whose PIN it is: the user's opens the keys, the security officer's (SO) sets the user's. */
export type PinOwner = 'user' | 'so';

/** A PIN and the file that it came from. */
export interface Pin {
  readonly file: string;
  readonly text: string;
}

/** Reads a PIN file; one final newline is not part of the PIN. Throws HsmError `pin-file`. */
export function readPin(file: string): Pin {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    mode = statSync(file).mode;
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : 'unknown error';
    throw new HsmError(hsmFault('pin-file', `the PIN file ${file} cannot be read (${reason})`), { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new HsmError(hsmFault('pin-file', `the PIN file ${file} is open to other users`));
  }
  if (text === '' || /[\r\n\0]/.test(text)) {
    throw new HsmError(hsmFault('pin-file', `the PIN file ${file} does not hold exactly one line`));
  }
  return { file, text };
}

/**
 * Logs in once. Throws HsmError: `pin-wrong` (tried once, remembered), `pin-refused` (remembered from before, not
 * tried), `pin-last-try`, `pin-locked`, or what the token reports.
 */
export function login(session: Session, token: Token, owner: PinOwner, pin: Pin, name: string): void {
  const memory = `${pin.file}.refused`;
  const presented = `${token.serialNumber} ${fingerprint(pin.file)}\n`;
  checkFlags(token, owner, name);
  if (readMemory(memory) === presented) {
    throw new HsmError(hsmFault('pin-refused', `${name} has already refused the PIN in ${pin.file}`));
  }
  try {
    session.login(pin.text, owner === 'so' ? UserType.SO : UserType.USER);
  } catch (cause) {
    const fault = faultOf(cause, name);
    if (fault.code !== 'pin-wrong') throw new HsmError(fault);
    const doubt = remember(memory, presented);
    throw new HsmError(hsmFault('pin-wrong', `${name} refuses the PIN in ${pin.file}${doubt}`));
  }
  rmSync(memory, { force: true });
}

/** Why a token's flags (CK_TOKEN_INFO) forbid a login; null when they do not. */
export function pinObstacle(flags: number, owner: PinOwner): 'pin-locked' | 'pin-last-try' | null {
  const [locked, lastTry] =
    owner === 'so'
      ? [TokenFlag.SO_PIN_LOCKED, TokenFlag.SO_PIN_FINAL_TRY]
      : [TokenFlag.USER_PIN_LOCKED, TokenFlag.USER_PIN_FINAL_TRY];
  if ((flags & locked) !== 0) return 'pin-locked';
  return (flags & lastTry) !== 0 ? 'pin-last-try' : null;
}

function checkFlags({ flags }: Token, owner: PinOwner, name: string): void {
  const obstacle = pinObstacle(flags, owner);
  const whose = owner === 'so' ? "security officer's PIN" : 'user PIN';
  switch (obstacle) {
    case null:
      return;
    case 'pin-locked':
      throw new HsmError(hsmFault(obstacle, `${name} has locked the ${whose}`));
    case 'pin-last-try':
      throw new HsmError(hsmFault(obstacle, `${name} allows one more try of the ${whose} before it locks`));
  }
}

/** Tells one content of a file from the next without saying anything about the content. */
function fingerprint(file: string): string {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}

function readMemory(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new HsmError(hsmFault('pin-file', `${path}, which remembers a refused PIN, cannot be read`), {
      cause,
    });
  }
}

/** Returns what to add to the message: nothing, or that the next process will not know of this refusal. */
function remember(path: string, presented: string): string {
  try {
    writeFileSync(path, presented, { mode: 0o600 });
    return '';
  } catch {
    return `, and ${path} cannot be written, so the next start would try that PIN once more`;
  }
}
