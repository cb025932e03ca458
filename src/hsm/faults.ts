/**
 * What can go wrong with a token, in words that say what happened, to which token, and what to do. Return values of a
 * PKCS#11 module (CKR_*, PKCS#11 v3.0 section 5.1) are translated here and nowhere else. No fault ever holds a PIN.
 */

import { type Denial, denial } from '../format/denial.js';

/** Plain data, because it crosses from the processes that load a vendor's module to those that do not. */
export interface HsmFault {
  readonly code: HsmFaultCode;
  readonly message: string;
  readonly remedy: string;
}

/** Thrown by everything in this layer that cannot do what it was asked. */
export class HsmError extends Error {
  readonly fault: HsmFault;
  constructor(fault: HsmFault, options?: ErrorOptions) {
    super(`${fault.message}. ${fault.remedy}`, options);
    this.name = 'HsmError';
    this.fault = fault;
  }
}

/** A call of a module failed that was made past its binding: what it returned (CK_RV). */
export class ReturnValueError extends Error {
  readonly code: number;
  constructor(value: number) {
    super(`CKR_0x${value.toString(16).padStart(8, '0')}`);
    this.name = 'ReturnValueError';
    this.code = value;
  }
}

/** Every fault, and what its reader can do about it. */
const remedies = {
  'module-missing': "Install the token's PKCS#11 module, or correct the path (WRIT_PKCS11_MODULE).",
  'module-unusable':
    'Check that this is the PKCS#11 module for this machine, and its own configuration file.',
  'token-missing': 'Attach the token, or correct its label or serial; writ token status lists what is there.',
  'token-ambiguous': 'Name the token by its serial; writ token status lists the serials.',
  'token-exists':
    'Use that token, or choose another label; a token that holds keys is never initialized again.',
  'no-free-slot': "Attach a blank token, or erase one with the vendor's own tool.",
  'ed25519-unsupported': 'Use a token or firmware that lists CKM_EC_EDWARDS_KEY_PAIR_GEN and CKM_EDDSA.',
  'pin-file':
    'Put the PIN, and nothing else, into that file, and make it readable by its owner alone (chmod 600).',
  'pin-credential':
    'Give the service the credential (LoadCredential= or LoadCredentialEncrypted= in its unit): the PIN and nothing else.',
  'pin-prompt':
    'Start it again in the foreground of a terminal and type the PIN when asked, or choose another source: writ pin use.',
  'pin-sealed':
    'If this machine was updated on purpose, approve its new state (writ pin reseal); otherwise find out what changed.',
  'pin-wrong': 'Correct the PIN where it comes from. What was refused is not tried again until then.',
  'pin-refused': 'Correct the PIN where it comes from; any change to its file allows one more try.',
  'pin-last-try': "Log in once with the vendor's own tool and the right PIN, then start again.",
  'pin-locked': "Unlock the PIN with the security officer's PIN and the vendor's own tool, then start again.",
  'pin-not-set': 'Set the user PIN: writ token init finishes a token that was left half-way.',
  'pin-unfit': 'Choose a PIN of the length and characters that the token allows.',
  'token-full': 'Make room: remove keys or files that are no longer needed, then try again.',
  'token-write-protected': 'Lift the write protection, or use another token.',
  'key-missing': 'Check that this is the right token; writ keys list shows its keys.',
  'key-ambiguous': "Remove or renumber the other key with the vendor's own tool, so that the id names one.",
  'key-exists': 'Use the key that is there; writ keys list shows it.',
  'key-differs':
    'Find out who replaced the key before anything else. Nothing is signed until the pinned key is back.',
  'key-exposed': "Do not use this key. Check the token's policy on sensitive and extractable keys.",
  'bad-signature': 'Have the token examined: it made a signature that its own public key refuses.',
  'message-too-long': 'Sign something shorter, or use a token that signs messages of this length.',
  'token-gone': 'Attach the token again; Writ logs in by itself once it is back.',
  'session-lost': 'Nothing, if it passes: Writ opens a new session by itself. Otherwise check the token.',
  'device-error': 'Check the token and its own log, then try again.',
  'bad-floor': "Check the state directory: the last checkpoint is not one that this token's log key signed.",
  'no-answer': 'Nothing, if it passes: the signer process is started again. Otherwise check the token.',
  'process-ended':
    "Nothing, if it passes: the signer process is started again. Otherwise check the token's module.",
  overloaded: 'Wait a little and ask again, with fewer requests in flight.',
  closed: 'Ask again once the daemon has started.',
  'keys-file': 'Restore the file from a backup, or make it again with writ token init.',
  'unfit-path': 'Choose another state directory (WRIT_HOME).',
} as const;

export type HsmFaultCode = keyof typeof remedies;

/** The faults after which another try could lock the token, or would ask a person again: none is made by itself. */
const pinFaults: ReadonlySet<HsmFaultCode> = new Set([
  'pin-wrong',
  'pin-refused',
  'pin-last-try',
  'pin-locked',
  'pin-unfit',
  'pin-prompt',
]);

/** Narrows a string that came from another process. */
export function isFaultCode(code: string): code is HsmFaultCode {
  return Object.hasOwn(remedies, code);
}

/** A fault with its code's own remedy. `message` is a clause without a full stop. */
export function hsmFault(code: HsmFaultCode, message: string): HsmFault {
  return { code, message, remedy: remedies[code] };
}

/** Whether a person has to act on the PIN before the next login. */
export function isPinFault({ code }: HsmFault): boolean {
  return pinFaults.has(code);
}

/** The answer to a request that needed the token while it could not sign. */
export function unavailable({ message, remedy }: HsmFault): Denial<'HSM_UNAVAILABLE'> {
  return denial('HSM_UNAVAILABLE', message, remedy);
}

/** The fault behind anything thrown while `token` was asked to do something; `token` names it to the reader. */
export function faultOf(cause: unknown, token: string): HsmFault {
  if (cause instanceof HsmError) return cause.fault;
  const value = returnValue(cause);
  const known = translations.find(({ values }) => value !== null && values.includes(value.number));
  if (known !== undefined) return hsmFault(known.code, `${token} ${known.clause}`);
  if (value !== null) return hsmFault('device-error', `${token} failed with ${value.name}`);
  // Not from the module but from the code around it: its text cannot hold a PIN, because no PIN enters an error here.
  return hsmFault('device-error', `${token} failed: ${cause instanceof Error ? cause.message : 'unknown'}`);
}

/** The CKR_* value that a failed call carries; null for errors that no PKCS#11 module reported. */
export function returnValue(cause: unknown): { readonly name: string; readonly number: number } | null {
  if (!(cause instanceof Error)) return null;
  const [, name, number] = /(CKR_\w+)(?::(\d+))?/.exec(cause.message) ?? [];
  const code: unknown = 'code' in cause ? cause.code : undefined;
  if (name === undefined) return null;
  return { name, number: typeof code === 'number' ? code : Number(number ?? -1) };
}

interface Translation {
  readonly values: readonly number[];
  readonly code: HsmFaultCode;
  /** Follows the token's name. */
  readonly clause: string;
}

const translations: readonly Translation[] = [
  // CKR_PIN_INCORRECT
  { values: [0xa0], code: 'pin-wrong', clause: 'says that the PIN is wrong' },
  // CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_TOO_WEAK
  { values: [0xa1, 0xa2, 0x1b9], code: 'pin-unfit', clause: 'does not accept a PIN of this length or form' },
  // CKR_PIN_EXPIRED, CKR_PIN_LOCKED
  { values: [0xa3, 0xa4], code: 'pin-locked', clause: 'has locked the PIN' },
  // CKR_USER_PIN_NOT_INITIALIZED
  { values: [0x102], code: 'pin-not-set', clause: 'has no user PIN yet' },
  // CKR_DEVICE_MEMORY
  { values: [0x31], code: 'token-full', clause: 'is full' },
  // CKR_TOKEN_WRITE_PROTECTED
  { values: [0xe2], code: 'token-write-protected', clause: 'is write-protected' },
  // CKR_DATA_LEN_RANGE
  { values: [0x21], code: 'message-too-long', clause: 'cannot sign a message of this length' },
  // CKR_MECHANISM_INVALID, CKR_CURVE_NOT_SUPPORTED
  { values: [0x70, 0x140], code: 'ed25519-unsupported', clause: 'cannot do Ed25519' },
  // CKR_SLOT_ID_INVALID, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED
  { values: [0x03, 0x32, 0xe0, 0xe1], code: 'token-gone', clause: 'is gone' },
  // CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED
  { values: [0xb0, 0xb3, 0x101, 0x190], code: 'session-lost', clause: 'has ended the session' },
  // CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID
  { values: [0x60, 0x82], code: 'key-missing', clause: 'no longer knows the key' },
];
