/** The last step of a ceremony: what was found and made, signed by the key that vouches for it. */

import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { base64Encode } from '../../format/base64.js';
import { formatCheckpoint } from '../../format/checkpoint.js';
import { sealEnvelope } from '../../format/dsse.js';
import { formatNote, verifierKey } from '../../format/note.js';
import { formatInstant } from '../../format/time.js';
import {
  encodeTranscript,
  type Transcript,
  type TranscriptKey,
  type TranscriptToken,
  transcriptPayloadType,
} from '../../format/transcript.js';
import { utf8Encode } from '../../format/utf8.js';
import { sha256 } from '../../hash/sha256.js';
import { certifyTranscript, proveKeyPossession } from '../../hsm/token.js';
import type { PinnedKey, ProvisionedRole } from '../../hsm/token-access.js';
import { replaceFile } from '../../kernel/private-file.js';
import { pinnedKey } from './file-steps.js';
import { ceremonyDirectory, type Progress } from './progress.js';
import { type FoundToken, foundToken, type Workplace } from './step.js';

const roles: readonly ProvisionedRole[] = ['log', 'artifact', 'policy'];

export function transcriptPath(stateDirectory: string): string {
  return join(ceremonyDirectory(stateDirectory), 'transcript.json');
}

/** Signs the transcript and writes it, durably. Throws HsmError. */
export async function writeTranscript(
  workplace: Workplace,
  progress: Progress,
  software: string,
): Promise<void> {
  const transcript = await transcriptOf(workplace, progress, software);
  const payload = encodeTranscript(transcript);
  const role = workplace.findings.keys.has('policy') ? 'policy' : 'artifact';
  const { key, token } = heldKey(workplace, role);
  const signature = await certifyTranscript(token.access, key, payload);
  const keyid = base64Encode(key.publicKey);
  const envelope = sealEnvelope(transcriptPayloadType, payload, keyid, signature);
  replaceFile(transcriptPath(workplace.stateDirectory), `${JSON.stringify(envelope)}\n`, 0o644);
}

async function transcriptOf(
  workplace: Workplace,
  { began, done, plan }: Progress,
  software: string,
): Promise<Transcript> {
  const { findings } = workplace;
  if (findings.identity === null) throw new TypeError('a transcript was to be written of no log');
  const { origin } = findings.identity;
  const tokens = [findings.token, findings.authorityToken].filter((token) => token !== null);
  return {
    type: 'urn:writ:provisioning:v1',
    log: origin,
    began,
    ended: formatInstant(Date.now()),
    by: { ...systemUser(), claimed: plan.by },
    host: hostname(),
    software,
    tokens: tokens.map(describedToken),
    keys: roles.flatMap((role) => describedKey(workplace, role)),
    possession: await possessionOf(workplace, origin),
    tpm: findings.tpm,
    steps: done,
  };
}

/** The user as the system has it; a uid need not have a name. */
function systemUser(): { readonly uid: number; readonly user: string | null } {
  try {
    const { uid, username } = userInfo();
    return { uid, user: username };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw cause;
    return { uid: process.getuid?.() ?? 0, user: null };
  }
}

async function possessionOf(workplace: Workplace, origin: string): Promise<string> {
  const { key, token } = heldKey(workplace, 'log');
  const signature = await proveKeyPossession(token.access, key, origin);
  const { name, keyId } = verifierKey(origin, key.publicKey);
  const head = formatCheckpoint({ origin, size: 0, root: sha256(utf8Encode('')) });
  return formatNote(head, [{ name, keyId, signature }]);
}

function heldKey(
  workplace: Workplace,
  role: ProvisionedRole,
): { readonly key: PinnedKey; readonly token: FoundToken } {
  const key = pinnedKey(workplace.findings.keys, role);
  const token = foundToken(workplace, role);
  if (key === null || token === null) throw new TypeError(`there is no ${role} key to sign with`);
  return { key, token };
}

function describedKey(workplace: Workplace, role: ProvisionedRole): TranscriptKey[] {
  const key = workplace.findings.keys.get(role);
  const token = foundToken(workplace, role);
  if (key === undefined || key.publicKey === null || token === null) return [];
  const { id, label, protection } = key;
  const publicKey = base64Encode(key.publicKey);
  return [{ role, token: token.status.serial, id, label, publicKey, protection }];
}

function describedToken({ module, status, access }: FoundToken): TranscriptToken {
  const { label, serial, manufacturer, model, hardware, firmware } = status;
  return {
    module: access.modulePath,
    library: module.library,
    label,
    serial,
    manufacturer: manufacturer.trim(),
    model: model.trim(),
    hardware,
    firmware,
  };
}
