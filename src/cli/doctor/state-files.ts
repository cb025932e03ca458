/** Checks of the state directory: that only its owner can change or read it, and that what must be in it can be used. */

import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../../format/bytes.js';
import { parseJsonBytes } from '../../format/strict-json.js';
import { parseTrust, type Trust } from '../../format/trust.js';
import { errnoName } from '../../kernel/errno.js';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { fileTrouble, isClosed, modeText, openAncestor, userText } from './permissions.js';

/** Everything in a state directory whose owner and mode matter to the daemon, beside what has a check of its own. */
const ownedNames = [
  'daemon.json',
  'journal',
  'log',
  'policies',
  'views',
  'index.sqlite',
  'tpm.json',
  'writ.toml',
];

export function checkState({ locations: { stateDirectory }, ownerUid }: Deployment): Finding[] {
  const { ok, failed, warning } = verdictsOf('state');
  const trouble = unusable(stateDirectory);
  if (trouble !== null || ownerUid === null)
    return [
      failed(
        trouble ?? `there is no state directory ${stateDirectory}`,
        isClosed(stateDirectory)
          ? 'Run writ doctor as the owner of the state directory, or as root.'
          : 'Name the state directory (--state, WRIT_HOME, or state in the configuration file), or set one up with writ token init.',
      ),
    ];
  const findings: Finding[] = [];
  const { mode } = statSync(stateDirectory);
  if ((mode & 0o022) !== 0)
    findings.push(
      failed(
        `${stateDirectory} has mode ${modeText({ mode })}: other users may replace the state`,
        `Find out what they put there, then chmod 700 ${stateDirectory}.`,
      ),
    );
  else if ((mode & 0o055) !== 0)
    findings.push(
      warning(
        `${stateDirectory} has mode ${modeText({ mode })}: other users may look into it`,
        `chmod 700 ${stateDirectory}; a socket for others belongs outside it (socket.path).`,
      ),
    );
  const ancestor = openAncestor(stateDirectory, ownerUid);
  if (ancestor !== null)
    findings.push(
      failed(
        ancestor,
        'Keep the state below directories that only root or its owner can change (chmod go-w).',
      ),
    );
  for (const name of ownedNames) findings.push(...checkOwned(join(stateDirectory, name), ownerUid, 'state'));
  if (findings.length > 0) return findings;
  return [ok(`${stateDirectory} is open to ${userText(ownerUid)} alone`)];
}

/** Owner, mode and form of `keys.json`. */
export function checkKeysFile({ pins, keysFile, ownerUid }: Deployment): Finding[] {
  const { ok, failed, skipped } = verdictsOf('keys file');
  if (isClosed(keysFile)) return [skipped(`this user may not read ${keysFile}`)];
  switch (pins.pins) {
    case 'missing':
      return [
        failed(
          `no token is set up: there is no ${keysFile}`,
          'Set one up with writ token init; where there was one, restore the file from a backup.',
        ),
      ];
    case 'unusable':
      return [failed(pins.fault.message, pins.fault.remedy)];
    case 'found': {
      const trouble = ownerUid === null ? [] : checkOwned(keysFile, ownerUid, 'keys file');
      if (trouble.length > 0) return trouble;
      const { label, serial } = pins.pinned.token;
      return [ok(`${keysFile} pins two keys on the token "${label}" (serial ${serial})`)];
    }
  }
}

/** Owner, mode and form of `trust.json`, and whether what this daemon signs verifies under it. */
export function checkTrust({ locations, pins, ownerUid }: Deployment): Finding[] {
  const { ok, failed, skipped, warning } = verdictsOf('trust');
  const path = join(locations.stateDirectory, 'trust.json');
  if (isClosed(path)) return [skipped(`this user may not read ${path}`)];
  const reading = loadTrustFile(path);
  if (reading.trust === null) {
    if (reading.problem === null)
      return [skipped(`there is no ${path} yet; the daemon makes it at its first start`)];
    const remedy =
      'Restore it from a backup; or move it away, and the daemon makes it again at its next start.';
    return [failed(`${path} cannot be used: ${reading.problem}`, remedy)];
  }
  const trouble = ownerUid === null ? [] : checkOwned(path, ownerUid, 'trust');
  if (trouble.length > 0) return trouble;
  if (pins.pins !== 'found') return [skipped(`whether ${path} fits is not known without keys.json`)];
  const { log, artifact } = pins.pinned.keys;
  const { logs, artifactKeys } = reading.trust;
  if (!logs.some(({ key, retired }) => retired === null && equalBytes(key.publicKey, log.publicKey)))
    return [
      failed(
        `${path} does not name the log key that keys.json pins: nothing that this daemon seals verifies under it`,
        'Find out which of the two files was replaced; writ trust export shows what the running daemon signs with.',
      ),
    ];
  if (!artifactKeys.some((key) => equalBytes(key, artifact.publicKey)))
    return [
      warning(
        `${path} does not name the artifact key that keys.json pins: exports do not verify under it`,
        'Compare it with writ trust export, and pin the key if it is right.',
      ),
    ];
  return [ok(`${path} names the log key and the artifact key of keys.json`)];
}

function checkOwned(path: string, ownerUid: number, check: 'state' | 'keys file' | 'trust'): Finding[] {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
  const trouble = fileTrouble(path, ownerUid);
  return trouble === null ? [] : [verdictsOf(check).failed(trouble.problem, trouble.remedy)];
}

function closedText(path: string): string {
  return `this user may not look into ${path}`;
}

/** Why a directory cannot be looked into by this user; null when it can. */
function unusable(directory: string): string | null {
  try {
    if (!statSync(directory).isDirectory()) return `${directory} is a file, not a directory`;
    return isClosed(directory) ? closedText(directory) : null;
  } catch (cause) {
    switch (errnoName(cause)) {
      case 'ENOENT':
        return `there is no state directory ${directory}`;
      case 'EACCES':
        return closedText(directory);
      case null:
        throw cause;
      default:
        return `${directory} cannot be used: ${(cause as Error).message}`;
    }
  }
}

/** What a trust bundle holds; with neither trust nor problem there is no file. */
export function loadTrustFile(path: string): {
  readonly trust: Trust | null;
  readonly problem: string | null;
} {
  try {
    return { trust: parseTrust(parseJsonBytes(readFileSync(path))), problem: null };
  } catch (cause) {
    const problem = errnoName(cause) === 'ENOENT' ? null : (cause as Error).message;
    return { trust: null, problem };
  }
}
