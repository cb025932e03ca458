/**
 * Logging in without ever locking a token. A PIN that a token refused is not presented again until its source changes,
 * not even by the next process: the refusal is remembered in a file. Where that cannot be written, the token's own flags
 * still stop the try that would lock it.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Session, type Slot, type Token, TokenFlag } from 'graphene-pk11';
import { nativeAddon } from '../../kernel/addon.js';
import { errnoName } from '../../kernel/errno.js';
import { faultOf, HsmError, hsmFault, ReturnValueError } from '../faults.js';
import { type PinSource, pinName } from '../pin-source.js';
import { type Pin, withPin } from './pin.js';

/** Whose PIN it is: the user's opens the keys, the security officer's (SO) sets the user's. */
export type PinOwner = 'user' | 'so';

/** CKU_SO and CKU_USER. */
const userTypes = { so: 0, user: 1 } as const;

/**
 * Opens the PIN and logs in once. Throws HsmError: `pin-wrong` (tried once, remembered), `pin-refused` (remembered from
 * before, not tried), `pin-last-try`, `pin-locked`, those of opening the PIN, or what the token reports.
 */
export function login(
  session: Session,
  token: Token,
  owner: PinOwner,
  source: PinSource,
  name: string,
): { readonly keptFromSwap: boolean } {
  // Before anybody is asked to type a PIN that would not be presented.
  checkFlags(token, owner, name);
  const question = { text: pinQuestion(owner, name), ask: 'once' } as const;
  return withPin(source, question, (pin) => {
    loginWith(session, token, owner, { pin, source }, name);
    return { keptFromSwap: pin.keptFromSwap };
  });
}

/** Logs in once, as `login` does, with a PIN that is open already. Throws HsmError like it. */
export function loginWith(
  session: Session,
  token: Token,
  owner: PinOwner,
  { pin, source }: { readonly pin: Pin; readonly source: PinSource },
  name: string,
): void {
  checkFlags(token, owner, name);
  const { memory } = pin;
  const presented = memory === null ? '' : `${token.serialNumber} ${memory.mark}\n`;
  if (memory !== null && readMemory(memory.path) === presented) {
    throw new HsmError(
      hsmFault('pin-refused', `${name} has already refused ${pinName(source)}${way(source)}`),
    );
  }
  const value = nativeAddon().tokenLogin(session.lib.libPath, session.handle, userTypes[owner], pin.secret);
  if (value !== 0) {
    const fault = faultOf(new ReturnValueError(value), name);
    if (fault.code !== 'pin-wrong') throw new HsmError(fault);
    const doubt = memory === null ? '' : remember(memory.path, presented);
    throw new HsmError(hsmFault('pin-wrong', `${name} refuses ${pinName(source)}${doubt}`));
  }
  if (memory !== null) rmSync(memory.path, { force: true });
}

/** Sets the user's PIN, in a session of the security officer. Throws what the token reports. */
export function setUserPin(session: Session, { secret }: Pin): void {
  require0(nativeAddon().tokenInitPin(session.lib.libPath, session.handle, secret));
}

/** Initializes a blank token, which gets this PIN of its security officer. Throws what the token reports. */
export function initializeSlot(slot: Slot, { secret }: Pin, label: string): void {
  require0(nativeAddon().tokenInit(slot.lib.libPath, slot.handle, secret, label));
}

/** What a person is asked for. */
export function pinQuestion(owner: PinOwner, name: string): string {
  return owner === 'so' ? `Security officer's PIN of ${name}` : `User PIN of ${name}`;
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

function require0(value: number): void {
  if (value !== 0) throw new ReturnValueError(value);
}

/** How a refusal is taken back, where a change of the source alone does not do it. */
function way(source: PinSource): string {
  return source.type === 'credential' ? `; once it is right, remove ${source.refusalFile}` : '';
}

function readMemory(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return null;
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
