/** Checks of where the PIN comes from. Its text is never read here: only the process that logs in does. */

import { lstatSync, type Stats, statSync } from 'node:fs';
import type { PinnedToken } from '../../hsm/keys-file.js';
import type { PinSource } from '../../hsm/pin-source.js';
import { errnoName } from '../../kernel/errno.js';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { modeText, openAncestor, userText } from './permissions.js';

/**
 * `proven`: the token accepted what is in this file, and the file has not changed since. `doubtful`: not known.
 * `unusable`: a login would fail without asking the token, or the token has refused it.
 */
export type PinState = 'proven' | 'doubtful' | 'unusable';

export interface PinReport {
  readonly state: PinState;
  readonly findings: readonly Finding[];
}

/** Looks at the source that `keys.json` names. */
export function checkPinSource(deployment: Deployment, { pin }: PinnedToken): PinReport {
  switch (pin.type) {
    case 'file':
      return checkFile(deployment, pin.path, `${pin.path}.refused`);
    case 'credential':
      return checkCredential(pin);
    case 'tpm':
      // Whether the TPM opens it shows at the login, and to nobody before.
      return checkFile(deployment, pin.path, `${pin.path}.refused`);
    case 'prompt':
      return {
        state: 'doubtful',
        findings: [verdictsOf('PIN').ok('a person types it at each start of the daemon; nothing keeps it')],
      };
  }
}

function checkCredential({ name, refusalFile }: Extract<PinSource, { type: 'credential' }>): PinReport {
  const { failed, skipped } = verdictsOf('PIN');
  // Of a credential nothing tells one content from the next: the note counts until it is removed.
  if (lstatSync(refusalFile, { throwIfNoEntry: false }) !== undefined) {
    const problem = `the token has refused the PIN in the credential ${name} (${refusalFile} remembers it)`;
    const remedy = `Put the right PIN into the credential, then remove ${refusalFile}.`;
    return { state: 'unusable', findings: [failed(problem, remedy)] };
  }
  const message = `the credential ${name} is given to the service alone; whether it is there shows when the service starts`;
  return { state: 'unusable', findings: [skipped(message)] };
}

function checkFile(deployment: Deployment, path: string, refusalFile: string): PinReport {
  const { failed, skipped } = verdictsOf('PIN');
  let file: Stats;
  try {
    file = statSync(path);
  } catch (cause) {
    const code = errnoName(cause);
    if (code === null) throw cause;
    const finding =
      code === 'EACCES'
        ? skipped(`this user may not look at ${path}; run writ doctor as its owner or as root`)
        : failed(
            `the PIN file ${path} cannot be used: ${code}`,
            'Put the PIN, and nothing else, into that file, and make it readable by its owner alone (chmod 600).',
          );
    return { state: 'unusable', findings: [finding] };
  }
  const findings = [...troubles(path, file, deployment), ...refusal(path, file, refusalFile)];
  const isUnusable = findings.some(({ outcome }) => outcome === 'failed');
  if (isUnusable || !isReadable(file)) {
    const unread = isUnusable
      ? []
      : [skipped(`${path} belongs to ${userText(file.uid)}; only they can log in with it`)];
    return { state: 'unusable', findings: [...findings, ...unread] };
  }
  // A file system's clock ticks some times in a hundredth of a second: equal times do not tell which came first.
  const isProven = Math.max(file.mtimeMs, file.ctimeMs) < lastLoginMs(deployment);
  const known = isProven ? 'unchanged since the token last accepted it' : 'not known to be right';
  return {
    state: isProven ? 'proven' : 'doubtful',
    findings: [...findings, verdictsOf('PIN').ok(`${path}, mode ${modeText(file)}, ${known}`)],
  };
}

function refusal(path: string, { mtimeMs }: Stats, refusalFile: string): Finding[] {
  const note = lstatSync(refusalFile, { throwIfNoEntry: false });
  // An older note is of what the file held before.
  if (note === undefined || note.mtimeMs < mtimeMs) return [];
  return [
    verdictsOf('PIN').failed(
      `the token has refused the PIN in ${path} (${refusalFile} remembers it)`,
      'Put the right PIN into the file; any change to it allows one more try.',
    ),
  ];
}

/** When a login with what the PIN file then held is known to have worked: when the keys were pinned, or a daemon came up. */
function lastLoginMs({ keysFile, log }: Deployment): number {
  const started = log.end === 'sound' ? log.lastStartMs : null;
  return Math.max(statSync(keysFile).mtimeMs, started ?? 0);
}

function isReadable({ uid }: Stats): boolean {
  const self = process.geteuid?.();
  return self === undefined || self === 0 || self === uid;
}

function troubles(
  pinFile: string,
  { mode, uid, size }: Stats,
  { ownerUid, locations }: Deployment,
): Finding[] {
  const { failed } = verdictsOf('PIN');
  const findings: Finding[] = [];
  if ((mode & 0o077) !== 0)
    findings.push(
      failed(
        `the PIN file ${pinFile} has mode ${modeText({ mode })}: it is open to other users`,
        `chmod 600 ${pinFile}; if others were on this machine meanwhile, change the PIN.`,
      ),
    );
  if (size === 0)
    findings.push(failed(`the PIN file ${pinFile} is empty`, 'Put the PIN, and nothing else, into it.'));
  if (ownerUid !== null && uid !== ownerUid)
    findings.push(
      failed(
        `the PIN file ${pinFile} belongs to ${userText(uid)}, but the state directory to ${userText(ownerUid)}`,
        `chown ${ownerUid} ${pinFile}: the signer process runs as the owner of the state directory.`,
      ),
    );
  const ancestor = openAncestor(pinFile, uid, locations.stateDirectory);
  if (ancestor !== null)
    findings.push(failed(ancestor, 'Keep the PIN below directories that only root or its owner can change.'));
  return findings;
}
