/**
 * Makes a credential: a secret that only the TPM with a given endorsement key gives out, and only if the key of a given Name
 * lives in it too (TPM 2.0 Library Part 1, section 24). Made in software, as whoever enrols a TPM from afar would: a TPM that
 * made it and opened it would prove nothing to anybody.
 */

import {
  constants,
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { ByteReader } from '../format/byte-reader.js';
import { hexDecode } from '../format/hex.js';
import { nistP256, tpmAlgorithms } from '../format/tpm-algorithm.js';
import type { Credential } from './addon.js';

/** A seed that only the endorsement key can recover, and what it takes to recover it. */
interface ProtectedSeed {
  readonly seed: Buffer;
  readonly encryptedSecret: Buffer;
}

/** TPM_ALG_RSA, TPM_ALG_AES, TPM_ALG_CFB (Part 2, section 6.3). */
const rsa = 0x0001;
const aes = 0x0006;
const cfb = 0x0043;

const digestBits = 256;
const symmetricKeyBits = 128;
const longestPolicyBytes = 64;
const longestModulusBytes = 512;

/**
 * @param endorsement TPMT_PUBLIC of an endorsement key by the TCG's templates L-2 (ECC P-256) or L-1 (RSA 2048)
 * @param name Name of the other key, hex
 * @param secret 1 to 32 bytes
 * Throws SyntaxError for another kind of key.
 */
export function makeCredential(endorsement: Uint8Array, name: string, secret: Uint8Array): Credential {
  const { seed, encryptedSecret } = protectedSeed(endorsement);
  const keyName = hexDecode(name);
  const symmetricKey = kdfa(seed, 'STORAGE', keyName, symmetricKeyBits);
  const cipher = createCipheriv('aes-128-cfb', symmetricKey, Buffer.alloc(16));
  const identity = Buffer.concat([cipher.update(sized(secret)), cipher.final()]);
  const integrity = createHmac('sha256', kdfa(seed, 'INTEGRITY', Buffer.alloc(0), digestBits))
    .update(identity)
    .update(keyName)
    .digest();
  return { blob: Buffer.concat([sized(integrity), identity]), encryptedSecret };
}

function protectedSeed(endorsement: Uint8Array): ProtectedSeed {
  const reader = new ByteReader(endorsement, 'big-endian', 'the endorsement key');
  const type = reader.u16();
  if (reader.u16() !== tpmAlgorithms.sha256) throw reader.fault('has a name that is not SHA-256');
  reader.u32();
  reader.sized(longestPolicyBytes);
  if (reader.u16() !== aes || reader.u16() !== symmetricKeyBits || reader.u16() !== cfb)
    throw reader.fault('does not protect with AES-128 in CFB mode');
  if (reader.u16() !== tpmAlgorithms.null) throw reader.fault('has a scheme of its own');
  switch (type) {
    case tpmAlgorithms.ecc:
      return seedByEcdh(reader);
    case rsa:
      return seedByOaep(reader);
    default:
      throw reader.fault('is neither ECC nor RSA');
  }
}

/** Part 1, annex C.6.1: one pass ECDH, from which both sides derive the seed by KDFe (section 11.4.10.3). */
function seedByEcdh(reader: ByteReader): ProtectedSeed {
  if (reader.u16() !== nistP256) throw reader.fault('is not on NIST P-256');
  if (reader.u16() !== tpmAlgorithms.null) throw reader.fault('names a key derivation');
  const coordinateBytes = 32;
  const x = leftPadded(reader.sized(coordinateBytes), coordinateBytes);
  const y = leftPadded(reader.sized(coordinateBytes), coordinateBytes);
  reader.end();
  const ephemeral = createECDH('prime256v1');
  const point = ephemeral.generateKeys();
  const [ephemeralX, ephemeralY] = [point.subarray(1, 33), point.subarray(33)];
  const shared = ephemeral.computeSecret(Buffer.concat([Uint8Array.of(4), x, y]));
  const seed = createHash('sha256')
    .update(uint32(1))
    .update(leftPadded(shared, coordinateBytes))
    .update('IDENTITY\0')
    .update(ephemeralX)
    .update(x)
    .digest();
  return { seed, encryptedSecret: Buffer.concat([sized(ephemeralX), sized(ephemeralY)]) };
}

/** Part 1, annex B.10.4: RSAES-OAEP with SHA-256, whose label ends with a zero byte. */
function seedByOaep(reader: ByteReader): ProtectedSeed {
  const bits = reader.u16();
  const exponent = reader.u32();
  const modulus = reader.sized(longestModulusBytes);
  reader.end();
  if (modulus.length * 8 !== bits) throw reader.fault('has a modulus of another length than it says');
  const jwk = {
    kty: 'RSA',
    n: Buffer.from(modulus).toString('base64url'),
    // Zero stands for the usual exponent (Part 2, section 12.2.3.5).
    e: uint32(exponent === 0 ? 65_537 : exponent).toString('base64url'),
  };
  const seed = randomBytes(digestBits / 8);
  const encryptedSecret = publicEncrypt(
    {
      key: createPublicKey({ key: jwk, format: 'jwk' }),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from('IDENTITY\0'),
    },
    seed,
  );
  return { seed, encryptedSecret };
}

/** KDFa with HMAC over SHA-256 (Part 1, section 11.4.10.2), for at most one block of output. */
function kdfa(key: Uint8Array, label: string, context: Uint8Array, bits: number): Buffer {
  return createHmac('sha256', key)
    .update(uint32(1))
    .update(`${label}\0`)
    .update(context)
    .update(uint32(bits))
    .digest()
    .subarray(0, bits / 8);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Bytes behind their length (TPM2B). */
function sized(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Some TPMs leave out leading zeros. */
function leftPadded(bytes: Uint8Array, sizeBytes: number): Buffer {
  return Buffer.concat([Buffer.alloc(sizeBytes - bytes.length), bytes]);
}
