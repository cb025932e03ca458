/** Loads a PKCS#11 module and finds a token in it. Only processes made for that purpose import this file. */

import { existsSync } from 'node:fs';
import { Module, type Slot, type Token, TokenFlag } from 'graphene-pk11';
import { HsmError, hsmFault, returnValue } from '../faults.js';
import { type Ed25519Support, ed25519Support, type ListedMechanism, osLockingOk } from '../mechanisms.js';
import { type TokenSelector, tokenName } from '../token-access.js';

/** A token in its slot. */
export interface SlottedToken {
  readonly slot: Slot;
  readonly token: Token;
}

/** Loads and initializes the module. Throws HsmError: `module-missing`, `module-unusable`. */
export function openModule(path: string): Module {
  let module: Module;
  try {
    module = Module.load(path);
  } catch (cause) {
    if (!existsSync(path)) {
      throw new HsmError(hsmFault('module-missing', `there is no PKCS#11 module at ${path}`), { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HsmError(hsmFault('module-unusable', `${path} cannot be loaded: ${reason}`), { cause });
  }
  try {
    module.initialize({ flags: osLockingOk });
  } catch (cause) {
    const reason = returnValue(cause)?.name ?? String(cause);
    throw new HsmError(hsmFault('module-unusable', `${path} does not initialize: ${reason}`), { cause });
  }
  return module;
}

/** Every token that is present, blank ones included. */
export function tokensOf(module: Module): SlottedToken[] {
  return Array.from(module.getSlots(true), (slot) => ({ slot, token: slot.getToken() }));
}

/** The one token that answers to the selector. Throws HsmError: `token-missing`, `token-ambiguous`. */
export function findToken(module: Module, selector: TokenSelector): SlottedToken {
  const [found, ...others] = tokensOf(module).filter(({ token }) => answersTo(token, selector));
  if (found === undefined) {
    throw new HsmError(hsmFault('token-missing', `${tokenName(selector)} is not in ${module.libFile}`));
  }
  if (others.length > 0) {
    throw new HsmError(
      hsmFault(
        'token-ambiguous',
        `${tokenName(selector)} exists ${others.length + 1} times in ${module.libFile}`,
      ),
    );
  }
  return found;
}

/** Whether C_InitToken has run on it. */
export function isInitialized(token: Token): boolean {
  return (token.flags & TokenFlag.TOKEN_INITIALIZED) !== 0;
}

/** What the token's mechanism list says about Ed25519. */
export function supportOf(slot: Slot): Ed25519Support {
  const mechanisms = slot.getMechanisms();
  const listed: ListedMechanism[] = [];
  for (let position = 0; position < mechanisms.length; position++) {
    // Null for what the token lists and then knows nothing about, as some do with mechanisms of their own.
    const mechanism = mechanisms.tryGetItem(position);
    if (mechanism !== null) listed.push({ type: mechanism.type, flags: mechanism.flags });
  }
  return ed25519Support(listed);
}

/** Throws HsmError `ed25519-unsupported` unless the token can do what `need` says. */
export function requireEd25519(support: Ed25519Support, need: 'sign' | 'generate', name: string): void {
  switch (support) {
    case 'supported':
      return;
    case 'cannot-generate':
      if (need === 'sign') return;
      throw new HsmError(hsmFault('ed25519-unsupported', `${name} cannot generate Ed25519 keys`));
    case 'cannot-sign':
      throw new HsmError(hsmFault('ed25519-unsupported', `${name} cannot sign with Ed25519`));
  }
}

function answersTo(token: Token, selector: TokenSelector): boolean {
  if (!isInitialized(token)) return false;
  return 'serial' in selector ? token.serialNumber === selector.serial : token.label === selector.label;
}
