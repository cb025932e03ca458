/** A login on one token with both keys found and proven: what the signer process holds for as long as it lives. */

import { randomBytes } from 'node:crypto';
import type { Module, PrivateKey, Session, Slot } from 'graphene-pk11';
import { equalBytes } from '../../format/bytes.js';
import { hexEncode } from '../../format/hex.js';
import { utf8Encode } from '../../format/utf8.js';
import { type VerifyingKey, verifyingKey } from '../../verify/ed25519.js';
import { faultOf, HsmError, hsmFault } from '../faults.js';
import { findPrivateKey, publicKeyOf, signOnce } from '../pkcs11/keys.js';
import { login } from '../pkcs11/login.js';
import { findToken, openModule, requireEd25519, supportOf } from '../pkcs11/module.js';
import { type KeyRole, type PinnedKeys, type TokenAccess, tokenName } from '../token-access.js';

type Verifiers = Readonly<Record<KeyRole, VerifyingKey>>;

export class TokenSession {
  /** Whether the PIN was nowhere from where it could have been swapped out. */
  readonly keptFromSwap: boolean;
  readonly #module: Module;
  readonly #slot: Slot;
  readonly #session: Session;
  readonly #pinned: PinnedKeys;
  readonly #verifiers: Verifiers;
  readonly #serial: string;
  readonly #name: string;
  #handles: Readonly<Record<KeyRole, PrivateKey>>;

  /**
   * Loads the module, logs in once, finds both keys by id and proves each under its pinned public key.
   * Throws HsmError: any fault of a module, token, PIN or key.
   */
  constructor(access: TokenAccess, pinned: PinnedKeys) {
    this.#pinned = pinned;
    this.#verifiers = {
      log: verifyingKey(pinned.log.publicKey),
      artifact: verifyingKey(pinned.artifact.publicKey),
    };
    this.#name = tokenName(access.token);
    this.#module = openModule(access.modulePath);
    try {
      const { slot, token } = findToken(this.#module, access.token);
      this.#slot = slot;
      this.#serial = token.serialNumber;
      requireEd25519(supportOf(slot), 'sign', this.#name);
      // The login lasts as long as a session is open, so this one stays open.
      this.#session = slot.open();
      const { keptFromSwap } = login(this.#session, token, 'user', access.pin, this.#name);
      this.keptFromSwap = keptFromSwap;
      this.#handles = this.#proveKeys();
    } catch (cause) {
      this.#module.finalize();
      throw this.#error(cause);
    }
  }

  get verifiers(): Verifiers {
    return this.#verifiers;
  }

  /**
   * One blocking signature, verified under the pinned public key before it is returned: a handle can point at another
   * key, a chip can fail, and a bad signature must not get out.
   * Throws HsmError: `bad-signature`, or what the token reports.
   */
  sign(role: KeyRole, message: Uint8Array): Uint8Array {
    let signature: Uint8Array;
    try {
      signature = signOnce(this.#session, this.#handles[role], message);
    } catch (cause) {
      throw this.#error(cause);
    }
    if (this.#verifiers[role].verify(message, signature)) return signature;
    const fault = `${this.#name} made a signature that does not verify under the pinned ${role} key`;
    throw new HsmError(hsmFault('bad-signature', fault));
  }

  /**
   * To be called after a failed signature: checks that the token is still there, finds the keys again and proves them.
   * Throws HsmError when it cannot; this session is then of no more use.
   */
  rebind(): void {
    try {
      if (this.#slot.getToken().serialNumber !== this.#serial)
        throw new Error('another token is in the slot');
    } catch (cause) {
      throw new HsmError(hsmFault('token-gone', `${this.#name} is gone`), { cause });
    }
    try {
      this.#handles = this.#proveKeys();
    } catch (cause) {
      throw this.#error(cause);
    }
  }

  /** Ends login and module. */
  close(): void {
    this.#module.finalize();
  }

  #proveKeys(): Readonly<Record<KeyRole, PrivateKey>> {
    const log = this.#proveKey('log');
    return { log, artifact: this.#proveKey('artifact') };
  }

  #proveKey(role: KeyRole): PrivateKey {
    const { id, publicKey } = this.#pinned[role];
    const key = findPrivateKey(this.#session, id, this.#name);
    const found = publicKeyOf(this.#session, key);
    // A token may show no public key; the probe decides then, as it decides about the private half in any case.
    const differs = found !== null && !equalBytes(found, publicKey);
    if (differs || !this.#probe(key, role)) {
      throw new HsmError(
        hsmFault('key-differs', `${this.#name} holds another ${role} key than the pinned one (id ${id})`),
      );
    }
    return key;
  }

  /** One line: neither a checkpoint, which has three, nor a PAE, so the probe's signature is good for nothing. */
  #probe(key: PrivateKey, role: KeyRole): boolean {
    const message = utf8Encode(`writ.probe/v1 ${role} ${hexEncode(randomBytes(16))}\n`);
    return this.#verifiers[role].verify(message, signOnce(this.#session, key, message));
  }

  #error(cause: unknown): HsmError {
    return cause instanceof HsmError ? cause : new HsmError(faultOf(cause, this.#name), { cause });
  }
}
