/**
 * The file of a PIN that is sealed to the TPM. It holds nothing that helps without that TPM in an approved state. The PIN is
 * bound to a key of an authority, not to the state itself: to approve another state is to sign it, and replaces a part of
 * the file; the PIN stays as it was sealed. A path in `tcti` that is relative starts at the file's directory.
 */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { base64Decode, base64Encode } from '../format/base64.js';
import { hexDecode, hexEncode } from '../format/hex.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { replaceFile } from '../kernel/private-file.js';
import type { OpenableSecret } from '../kernel/sealed-secret.js';
import { HsmError, hsmFault } from './faults.js';
import { inside } from './pin-source.js';

/** What a state's policy is signed with: for the PIN of one token, so that no approval counts for another secret. */
export const policyRefPrefix = 'writ.sealed-pin/v1\n';

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `not ${bytes} bytes in hex`);
const base64 = z.base64().min(4).max(4096);

const fileSchema = z.strictObject({
  version: z.literal(1),
  tcti: z.string().regex(/^(?:device:|swtpm:path=)[^,]+$/, 'must be device:FILE or swtpm:path=SOCKET'),
  sealed: z.strictObject({
    publicArea: base64,
    privateArea: base64,
    parentName: z.string().regex(/^(?:[0-9a-f]{2})+$/, 'not lower-case hex'),
  }),
  authority: z.strictObject({ point: hex(64), policyRef: hex(32) }),
  approval: z.strictObject({
    pcrs: z.array(z.int().min(0).max(23)).min(1),
    pcrDigest: hex(32),
    counter: z.int().min(0x0180_0000).max(0x01bf_ffff),
    highestVersion: z.int().min(1),
    signature: hex(64),
  }),
});

/** Reads the file. Throws HsmError `pin-sealed` when there is none, or none that can be used. */
export function readSealedPin(path: string): OpenableSecret {
  try {
    const parsed = fileSchema.safeParse(parseJsonBytes(readFileSync(path)));
    if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
    const { tcti, sealed, authority, approval } = parsed.data;
    return {
      tcti: mapPath(tcti, (socket) => resolve(dirname(resolve(path)), socket)),
      publicArea: base64Decode(sealed.publicArea),
      privateArea: base64Decode(sealed.privateArea),
      parentName: hexDecode(sealed.parentName),
      pcrs: approval.pcrs,
      pcrDigest: hexDecode(approval.pcrDigest),
      counterIndex: approval.counter,
      highestVersion: approval.highestVersion,
      authorityPoint: hexDecode(authority.point),
      policyRef: hexDecode(authority.policyRef),
      signature: hexDecode(approval.signature),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HsmError(hsmFault('pin-sealed', `the sealed PIN ${path} cannot be read: ${reason}`), { cause });
  }
}

/** Writes the file, durably and in one step. Throws the system's error. */
export function writeSealedPin(path: string, secret: OpenableSecret): void {
  const file: z.infer<typeof fileSchema> = {
    version: 1,
    tcti: mapPath(secret.tcti, (socket) => inside(dirname(resolve(path)), socket)),
    sealed: {
      publicArea: base64Encode(secret.publicArea),
      privateArea: base64Encode(secret.privateArea),
      parentName: hexEncode(secret.parentName),
    },
    authority: { point: hexEncode(secret.authorityPoint), policyRef: hexEncode(secret.policyRef) },
    approval: {
      pcrs: [...secret.pcrs],
      pcrDigest: hexEncode(secret.pcrDigest),
      counter: secret.counterIndex,
      highestVersion: secret.highestVersion,
      signature: hexEncode(secret.signature),
    },
  };
  replaceFile(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

function mapPath(tcti: string, map: (path: string) => string): string {
  const [, transport = '', path = ''] = /^(device:|swtpm:path=)(.*)$/s.exec(tcti) ?? [];
  return `${transport}${map(path)}`;
}
