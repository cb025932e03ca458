/**
 * C_SignInit and C_Sign in a loop, in a process that does nothing else: what the token gives to a program that uses it
 * directly. The key is one more of the same token, so that the daemon's keys sign nothing but what they are for.
 */

import { createPublicKey, randomBytes, verify } from 'node:crypto';
import pkcs11js, { type Handle, type KeyPair, type PKCS11 } from 'pkcs11js';
import { ReturnValueError } from '../../src/hsm/faults.js';
import {
  curveParameters,
  eddsa,
  edwardsKeyPairGeneration,
  edwardsKeyType,
  osLockingOk,
  publicKeyOfPoint,
} from '../../src/hsm/mechanisms.js';
import { withPin } from '../../src/hsm/pkcs11/pin.js';
import { nativeAddon } from '../../src/kernel/addon.js';
import type { TokenOrder, TokenReply } from './pkcs11.js';

/** About what a checkpoint's text has. */
const messageBytes = 96;
const signatureBytes = 64;
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

interface Ready {
  readonly pkcs11: PKCS11;
  readonly session: Handle;
  readonly keys: KeyPair;
}

let ready: Ready | null = null;

function open({ modulePath, serial, pin }: Extract<TokenOrder, { order: 'open' }>): Ready {
  const pkcs11 = new pkcs11js.PKCS11();
  pkcs11.load(modulePath);
  pkcs11.C_Initialize({ flags: osLockingOk });
  const slot = pkcs11
    .C_GetSlotList(true)
    .find((candidate) => pkcs11.C_GetTokenInfo(candidate).serialNumber.trim() === serial.trim());
  if (slot === undefined) throw new Error(`the token ${serial} is not there`);
  const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  const question = { text: 'User PIN', ask: 'once' } as const;
  const value = withPin(pin, question, ({ secret }) =>
    nativeAddon().tokenLogin(modulePath, session, 1, secret),
  );
  if (value !== 0) throw new ReturnValueError(value);
  return { pkcs11, session, keys: generateKeys(pkcs11, session) };
}

function generateKeys(pkcs11: PKCS11, session: Handle): KeyPair {
  const id = randomBytes(16);
  return pkcs11.C_GenerateKeyPair(
    session,
    { mechanism: edwardsKeyPairGeneration },
    [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: edwardsKeyType },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_VERIFY, value: true },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(curveParameters[0] ?? []) },
    ],
    [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: edwardsKeyType },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_ID, value: id },
    ],
  );
}

function run(durationMs: number): TokenReply {
  if (ready === null) throw new Error('no token was opened yet');
  const { pkcs11, session, keys } = ready;
  const message = randomBytes(messageBytes);
  const room = Buffer.alloc(signatureBytes);
  const mechanism = { mechanism: eddsa };
  const cpuBefore = process.cpuUsage();
  const latenciesUs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  let signature: Buffer = room;
  let nowMs = startMs;
  while (nowMs < endMs) {
    pkcs11.C_SignInit(session, mechanism, keys.privateKey);
    signature = pkcs11.C_Sign(session, message, room);
    const thenMs = nowMs;
    nowMs = performance.now();
    latenciesUs.push((nowMs - thenMs) * 1000);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const [point] = pkcs11.C_GetAttributeValue(session, keys.publicKey, [{ type: pkcs11js.CKA_EC_POINT }]);
  const spki = Buffer.concat([spkiPrefix, publicKeyOfPoint(point?.value as Buffer)]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  if (!verify(null, message, key, signature)) throw new Error('a signature of the token does not verify');
  const signatures = latenciesUs.length;
  const medianUs = latenciesUs.sort((a, b) => a - b)[signatures >> 1] ?? Number.NaN;
  return {
    reply: 'result',
    perSecond: (signatures * 1000) / (nowMs - startMs),
    signatures,
    medianUs,
    cpuUs: user + system,
  };
}

function obey(order: TokenOrder): TokenReply {
  switch (order.order) {
    case 'open':
      ready = open(order);
      return { reply: 'done' };
    case 'run':
      return run(order.durationMs);
  }
}

process.on('message', (order: TokenOrder) => {
  let reply: TokenReply;
  try {
    reply = obey(order);
  } catch (cause) {
    reply = { reply: 'failed', reason: String(cause) };
  }
  process.send?.(reply);
});
process.on('disconnect', () => {
  ready?.pkcs11.C_Finalize();
  process.exit();
});
