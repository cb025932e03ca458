/** The few messages of the SSH agent protocol (draft-ietf-sshm-ssh-agent) that signing needs. Pure. */

const requestIdentities = 11;
const identitiesAnswer = 12;
const signRequest = 13;
const signResponse = 14;

/** SSH_AGENTC_REQUEST_IDENTITIES with its length. */
export const identitiesRequest: Buffer = framed(Buffer.from([requestIdentities]));

/** SSH_AGENTC_SIGN_REQUEST with its length: the agent shall sign `data` with the key of this blob. */
export function signRequestOf(keyBlob: Buffer, data: Buffer): Buffer {
  const flags = Buffer.alloc(4);
  return framed(Buffer.concat([Buffer.from([signRequest]), sshString(keyBlob), sshString(data), flags]));
}

/** The blob of the first key in SSH_AGENT_IDENTITIES_ANSWER (its length cut off). Throws RangeError when there is none. */
export function firstIdentity(message: Buffer): Buffer {
  if (message[0] !== identitiesAnswer || message.readUInt32BE(1) === 0)
    throw new RangeError('the agent has no key');
  return readString(message, 5);
}

/** The 64 bytes of Ed25519 in SSH_AGENT_SIGN_RESPONSE (its length cut off). Throws RangeError for anything else. */
export function signatureOf(message: Buffer): Buffer {
  if (message[0] !== signResponse)
    throw new RangeError(`the agent answered ${String(message[0])}, not a signature`);
  const blob = readString(message, 1);
  const algorithm = readString(blob, 0);
  if (algorithm.toString('latin1') !== 'ssh-ed25519') throw new RangeError('no Ed25519 signature');
  return readString(blob, 4 + algorithm.length);
}

/** The raw 32-byte public key in a key blob. */
export function publicKeyOf(keyBlob: Buffer): Buffer {
  return readString(keyBlob, 4 + readString(keyBlob, 0).length);
}

/** Whether a message (its length cut off) is a signature, from its first byte. */
export function isSignature(firstByte: number | undefined): boolean {
  return firstByte === signResponse;
}

function readString(bytes: Buffer, offset: number): Buffer {
  const end = offset + 4 + bytes.readUInt32BE(offset);
  if (end > bytes.length) throw new RangeError('a string that ends behind its message');
  return bytes.subarray(offset + 4, end);
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function framed(message: Buffer): Buffer {
  return sshString(message);
}
