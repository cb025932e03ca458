/** Steps of a ceremony: the files that the daemon and its verifiers go by. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttestationDocument, AttestationTrust } from '../../format/attestation-trust.js';
import { base64Encode } from '../../format/base64.js';
import { equalBytes } from '../../format/bytes.js';
import { formatVerifierKey, verifierKey } from '../../format/note.js';
import { parseJsonBytes } from '../../format/strict-json.js';
import type { TranscriptTpm } from '../../format/transcript-tpm.js';
import { parseTrust, type TrustDocument } from '../../format/trust.js';
import { findKeysFile, type PinnedToken, writeKeysFile } from '../../hsm/keys-file.js';
import { noSuccession } from '../../hsm/succession.js';
import type { PinnedKey, ProvisionedRole } from '../../hsm/token-access.js';
import { replaceFile } from '../../kernel/private-file.js';
import { ensureIdentity, findIdentity } from '../../state/daemon-identity.js';
import { UsageError } from '../cli-error.js';
import { absent, present, type Standing, type Step, type Workplace } from './step.js';
import type { TpmPlan } from './tpm-plan.js';

/** `daemon.json`: the log gets its name before its key signs anything. */
export const identityStep: Step = {
  name: 'log',
  look: async ({ stateDirectory, plan, findings, resumed }) => {
    const identity = await findIdentity(stateDirectory);
    if (identity === null) return absent(plan.origin ?? 'a new log with a random name');
    if (plan.origin !== null && plan.origin !== identity.origin)
      throw new UsageError(
        `the plan names the log ${plan.origin}, but ${stateDirectory} holds ${identity.origin}; use another state directory`,
      );
    findings.identity = identity;
    return present(resumed ? 'made' : 'kept', identity.origin);
  },
  perform: async ({ stateDirectory, plan }) => {
    await ensureIdentity(stateDirectory, plan.origin, () => randomBytes(8).toString('hex'));
  },
};

/** `keys.json`: from here on the daemon signs with these keys and no others. */
export const keysFileStep: Step = {
  name: 'keys.json',
  look: (workplace) => {
    const path = keysFile(workplace);
    const wanted = wantedPins(workplace);
    const found = findKeysFile(path);
    if (wanted === null) return Promise.resolve<Standing>({ standing: 'pending', detail: path });
    if (found === null) return Promise.resolve(absent(path));
    for (const role of ['log', 'artifact'] as const)
      if (!equalBytes(found.keys[role].publicKey, wanted.keys[role].publicKey))
        throw new UsageError(`${path} pins another ${role} key; use another state directory`);
    return Promise.resolve(present(workplace.resumed ? 'made' : 'kept', path));
  },
  perform: (workplace) => {
    const wanted = wantedPins(workplace);
    if (wanted === null) throw new TypeError('keys.json was to be written before there were keys');
    writeKeysFile(keysFile(workplace), wanted);
    return Promise.resolve();
  },
};

/** `trust.json`: what relying parties pin. */
export const trustStep: Step = {
  name: 'trust.json',
  look: async (workplace) => {
    const path = join(workplace.stateDirectory, 'trust.json');
    const wanted = wantedTrust(workplace);
    const found = await readOrNull(path);
    if (wanted === null) return { standing: 'pending', detail: path };
    if (found === null) return absent(path);
    if (!holdsAll(found, wanted))
      throw new UsageError(
        `${path} does not hold every key and reference value of this ceremony, and a bundle that somebody pinned is not replaced; move it away`,
      );
    return present(workplace.resumed ? 'made' : 'kept', path);
  },
  perform: (workplace) => {
    const wanted = wantedTrust(workplace);
    if (wanted === null) throw new TypeError('trust.json was to be written before there were keys');
    const path = join(workplace.stateDirectory, 'trust.json');
    replaceFile(path, `${JSON.stringify(wanted, null, 2)}\n`, 0o644);
    return Promise.resolve();
  },
};

function keysFile({ stateDirectory }: Workplace): string {
  return join(stateDirectory, 'keys.json');
}

function wantedPins({ findings }: Workplace): PinnedToken | null {
  const [log, artifact] = [pinnedKey(findings.keys, 'log'), pinnedKey(findings.keys, 'artifact')];
  if (findings.token === null || log === null || artifact === null) return null;
  const { access, status } = findings.token;
  const { modulePath, softhsmConf, pin } = access;
  const token = { label: status.label, serial: status.serial };
  return { modulePath, softhsmConf, pin, token, keys: { log, artifact }, succession: noSuccession };
}

/** A key as it is pinned; null while it does not exist. */
export function pinnedKey(keys: Workplace['findings']['keys'], role: ProvisionedRole): PinnedKey | null {
  const key = keys.get(role);
  return key === undefined || key.publicKey === null ? null : { id: key.id, publicKey: key.publicKey };
}

function wantedTrust({ findings, plan }: Workplace): TrustDocument | null {
  const [log, artifact, policy] = (['log', 'artifact', 'policy'] as const).map((role) =>
    pinnedKey(findings.keys, role),
  );
  const { identity } = findings;
  if (plan.tpm !== null && findings.tpm === null) return null;
  if (identity === null || !log || !artifact || (plan.authority !== null && !policy)) return null;
  const vkey = formatVerifierKey(verifierKey(identity.origin, log.publicKey));
  return {
    type: 'urn:writ:trust:v1',
    logs: [{ origin: identity.origin, vkey, retired: null }],
    artifactKeys: [base64Encode(artifact.publicKey)],
    policyAuthorities: policy ? [base64Encode(policy.publicKey)] : [],
    attestation: wantedAttestation(identity.origin, findings.tpm, plan.tpm),
  };
}

function wantedAttestation(
  log: string,
  tpm: TranscriptTpm | null,
  plan: TpmPlan | null,
): AttestationDocument | null {
  if (tpm === null || plan === null) return null;
  const { name, publicArea, since } = tpm.attestationKey;
  const pcrs = tpm.reference ? tpm.pcrs.map(({ index, value }) => ({ index, values: [value] })) : [];
  return { keys: [{ log, name, publicArea, since }], pcrs, maxAgeSeconds: plan.maxAgeSeconds };
}

function holdsAll(found: Uint8Array, wanted: TrustDocument): boolean {
  const trust = parseTrust(parseJsonBytes(found));
  const holds = (keys: readonly Uint8Array[], key: string) => keys.some((each) => base64Encode(each) === key);
  return (
    wanted.logs.every(({ vkey }) => trust.logs.some(({ key }) => formatVerifierKey(key) === vkey)) &&
    wanted.artifactKeys.every((key) => holds(trust.artifactKeys, key)) &&
    (wanted.policyAuthorities ?? []).every((key) => holds(trust.policyAuthorities, key)) &&
    holdsAttestation(trust.attestation, wanted.attestation ?? null)
  );
}

/** Reference values may be more by now; those of the ceremony must be among them. */
function holdsAttestation(found: AttestationTrust | null, wanted: AttestationDocument | null): boolean {
  if (wanted === null) return true;
  return (
    wanted.keys.every(({ log, name, since }) =>
      found?.keys.some(
        (key) =>
          key.log === log &&
          key.name === name &&
          key.since.resetCount === since.resetCount &&
          key.since.restartCount === since.restartCount,
      ),
    ) &&
    wanted.pcrs.every(({ index, values }) =>
      found?.pcrs.some(
        (known) => known.index === index && values.every((value) => known.values.includes(value)),
      ),
    )
  );
}

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}
