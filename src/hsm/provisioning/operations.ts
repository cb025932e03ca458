/** Setting up tokens and keys, inside a process that may load a vendor's module. Every function throws HsmError. */

import { type Module, type Session, SessionFlag, type Token, TokenFlag } from 'graphene-pk11';
import { hexDecode } from '../../format/hex.js';
import { faultOf, HsmError, hsmFault } from '../faults.js';
import type { KeyDescription } from '../key-description.js';
import { describeKey, generateKeyPair, listPrivateKeys } from '../pkcs11/keys.js';
import { initializeSlot, login, loginWith, pinQuestion, setUserPin } from '../pkcs11/login.js';
import {
  findToken,
  isInitialized,
  openModule,
  requireEd25519,
  type SlottedToken,
  supportOf,
  tokensOf,
} from '../pkcs11/module.js';
import { type Pin, swapWarning, withPin } from '../pkcs11/pin.js';
import { isTokenDiskFull } from '../softhsm.js';
import { type ModuleLocation, type TokenAccess, tokenName } from '../token-access.js';
import type {
  InitializeRequest,
  ProvisioningAnswer,
  ProvisioningRequest,
  TokenIdentity,
  TokenStatus,
} from './protocol.js';
import { certify, provePossession, sayPolicy, signApproval } from './signing.js';

/** Does what was asked; a fault of module, token, PIN or key is an answer too. */
export function perform(request: ProvisioningRequest): ProvisioningAnswer {
  switch (request.type) {
    case 'status':
      return inModule(request.module, `the module ${request.module.modulePath}`, (module) => ({
        type: 'tokens',
        module: { library: libraryOf(module), tokens: tokensOf(module).map(statusOf) },
      }));
    case 'initialize': {
      const { initialize } = request;
      return inModule(initialize, tokenName(initialize), (module) => ({
        type: 'initialized',
        identity: initializeToken(module, initialize),
      }));
    }
    case 'generate': {
      const { access, label, id } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'keys',
        keys: [generateKey(module, access, label, id)],
      }));
    }
    case 'certify': {
      const { access, key, transcript } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'signature',
        signature: withLogin(module, access, 'read', (session) => certify(session, key, transcript, access)),
      }));
    }
    case 'say-policy': {
      const { access, key, statement } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'signature',
        signature: withLogin(module, access, 'read', (session) => sayPolicy(session, key, statement, access)),
      }));
    }
    case 'approve': {
      const { access, id, document } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'approval',
        approval: withLogin(module, access, 'read', (session) => signApproval(session, id, document, access)),
      }));
    }
    case 'possession': {
      const { access, key, origin } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'signature',
        signature: withLogin(module, access, 'read', (session) =>
          provePossession(session, key, origin, access),
        ),
      }));
    }
    case 'list': {
      const { access } = request;
      return inModule(access, tokenName(access.token), (module) => ({
        type: 'keys',
        keys: withLogin(module, access, 'read', (session) =>
          listPrivateKeys(session).map((key) => describeKey(session, key)),
        ),
      }));
    }
  }
}

/** Loads the module around `work`, and turns whatever goes wrong into a fault. */
function inModule(
  { modulePath, softhsmConf }: ModuleLocation,
  name: string,
  work: (module: Module) => ProvisioningAnswer,
): ProvisioningAnswer {
  try {
    const module = openModule(modulePath);
    try {
      return work(module);
    } finally {
      module.finalize();
    }
  } catch (cause) {
    const fault = faultOf(cause, name);
    const full = fault.code === 'device-error' && softhsmConf !== null && isTokenDiskFull(softhsmConf);
    return { type: 'failed', fault: full ? hsmFault('token-full', `the disk of ${name} is full`) : fault };
  }
}

function withLogin<Result>(
  module: Module,
  access: TokenAccess,
  purpose: 'read' | 'write',
  work: (session: Session, found: SlottedToken) => Result,
): Result {
  const found = findToken(module, access.token);
  const session = found.slot.open(sessionFlags(purpose));
  const { keptFromSwap } = login(session, found.token, 'user', access.pin, tokenName(access.token));
  if (!keptFromSwap) process.emitWarning(swapWarning);
  return work(session, found);
}

function generateKey(module: Module, access: TokenAccess, label: string, id: string): KeyDescription {
  const name = tokenName(access.token);
  return withLogin(module, access, 'write', (session, { slot }) => {
    requireEd25519(supportOf(slot), 'generate', name);
    const present = listPrivateKeys(session).find((key) => key.getAttribute('label') === label);
    if (present !== undefined) {
      throw new HsmError(hsmFault('key-exists', `${name} already holds a key labelled "${label}"`));
    }
    return generateKeyPair(session, label, hexDecode(id), name);
  });
}

/** Initializes a blank token, or finishes one of that label whose user PIN was never set. */
function initializeToken(
  module: Module,
  { label, soPin: soSource, userPin: userSource }: InitializeRequest,
): TokenIdentity {
  const name = tokenName({ label });
  const begun = tokensOf(module).some(({ token }) => isInitialized(token) && token.label === label);
  const soQuestion = { text: pinQuestion('so', name), ask: begun ? 'once' : 'twice' } as const;
  const userQuestion = { text: `New ${pinQuestion('user', name)}`, ask: 'twice' } as const;
  if (begun) requireUnfinished(module, label);
  // Both are there before anything is changed.
  return withPin(soSource, soQuestion, (soPin) =>
    withPin(userSource, userQuestion, (userPin) => {
      if (!soPin.keptFromSwap || !userPin.keptFromSwap) process.emitWarning(swapWarning);
      if (!begun) initializeBlank(module, label, soPin);
      const { slot, token } = requireUnfinished(module, label);
      const session = slot.open(sessionFlags('write'));
      loginWith(session, token, 'so', { pin: soPin, source: soSource }, name);
      setUserPin(session, userPin);
      return { label, serial: token.serialNumber };
    }),
  );
}

/** The initialized token of that label, which has no user PIN yet. Throws HsmError `token-exists`. */
function requireUnfinished(module: Module, label: string): SlottedToken {
  const found = findToken(module, { label });
  if ((found.token.flags & TokenFlag.USER_PIN_INITIALIZED) === 0) return found;
  throw new HsmError(hsmFault('token-exists', `${tokenName({ label })} exists and is in use`));
}

function initializeBlank(module: Module, label: string, soPin: Pin): void {
  const blank = tokensOf(module).find(({ token }) => !isInitialized(token));
  if (blank === undefined) {
    throw new HsmError(hsmFault('no-free-slot', `${module.libFile} shows no blank token to initialize`));
  }
  requireEd25519(supportOf(blank.slot), 'generate', `the blank token in ${blank.slot.slotDescription}`);
  initializeSlot(blank.slot, soPin, label);
}

function statusOf({ slot, token }: SlottedToken): TokenStatus {
  return {
    state: isInitialized(token) ? 'initialized' : 'blank',
    label: token.label,
    serial: token.serialNumber,
    manufacturer: token.manufacturerID,
    model: token.model,
    slot: slot.slotDescription,
    hardware: versionText(token.hardwareVersion),
    firmware: versionText(token.firmwareVersion),
    userPin: userPinOf(token),
    ed25519: supportOf(slot),
    pinLength: pinLengthOf(token),
  };
}

/** Modules that have nothing to say leave zero or all bits set (CK_UNAVAILABLE_INFORMATION). */
function pinLengthOf({ minPinLen, maxPinLen }: Token): TokenStatus['pinLength'] {
  const isLimit = maxPinLen > 0 && maxPinLen < 0xffff_ffff;
  return { least: minPinLen < 0xffff_ffff ? minPinLen : 0, most: isLimit ? maxPinLen : null };
}

function libraryOf({ manufacturerID, libraryDescription, libraryVersion, cryptokiVersion }: Module): string {
  const versions = `${versionText(libraryVersion)} (PKCS#11 ${versionText(cryptokiVersion)})`;
  return `${manufacturerID.trim()} ${libraryDescription.trim()} ${versions}`;
}

/** A CK_VERSION: its minor part counts hundredths. */
function versionText({ major, minor }: { readonly major: number; readonly minor: number }): string {
  return `${major}.${String(minor).padStart(2, '0')}`;
}

function userPinOf({ flags }: Token): TokenStatus['userPin'] {
  if ((flags & TokenFlag.USER_PIN_INITIALIZED) === 0) return 'not-set';
  if ((flags & TokenFlag.USER_PIN_LOCKED) !== 0) return 'locked';
  if ((flags & TokenFlag.USER_PIN_FINAL_TRY) !== 0) return 'last-try';
  return (flags & TokenFlag.USER_PIN_COUNT_LOW) !== 0 ? 'refused-once' : 'ready';
}

function sessionFlags(purpose: 'read' | 'write'): SessionFlag {
  return purpose === 'read'
    ? SessionFlag.SERIAL_SESSION
    : SessionFlag.SERIAL_SESSION | SessionFlag.RW_SESSION;
}
