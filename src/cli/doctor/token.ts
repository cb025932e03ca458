/**
 * Checks of the token: its module, its state, the PIN's file, and the keys. Nothing here may harm a token. A daemon that
 * signs proves more than we could, and is left alone; a login is made only where the token's last word on this very PIN was
 * good, because a wrong one counts against the tries.
 */

import { existsSync } from 'node:fs';
import { HsmError } from '../../hsm/faults.js';
import type { KeyDescription } from '../../hsm/key-description.js';
import type { PinnedToken } from '../../hsm/keys-file.js';
import type { TokenStatus } from '../../hsm/provisioning/protocol.js';
import { listKeys, tokenStatus } from '../../hsm/token.js';
import { keyRoles, type PinnedKeys } from '../../hsm/token-access.js';
import { shownKey } from '../key-text.js';
import { type Deployment, mayDaemonRun } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { checkPinSource, type PinState } from './pin.js';

export async function checkToken(deployment: Deployment): Promise<Finding[]> {
  const { daemon, options, pins } = deployment;
  if (pins.pins !== 'found') return [verdictsOf('token').skipped('no token is known without keys.json')];
  const { pinned } = pins;
  const pin = checkPinSource(deployment, pinned);
  const isServed = daemon.daemon === 'answers' && daemon.status.signer === 'ready';
  if (isServed && !options.login) return [served(pinned), ...pin.findings, servedKeys()];
  const { status, findings } = await lookAtToken(pinned);
  return [...findings, ...pin.findings, ...(await checkKeys(deployment, pinned, status, pin.state))];
}

function served({ modulePath, token }: PinnedToken): Finding {
  return verdictsOf('token').ok(
    `the daemon holds the token "${token.label}" (serial ${token.serial}) by ${modulePath}, and its signer is ready`,
  );
}

function servedKeys(): Finding {
  return verdictsOf('keys').ok(
    "the daemon's signer proved both pinned keys by signatures; their attributes are not read beside it (--login does)",
  );
}

/** Loads the module in a process of its own; needs no PIN. `status` is null when the token was not found. */
async function lookAtToken(
  pinned: PinnedToken,
): Promise<{ readonly status: TokenStatus | null; readonly findings: readonly Finding[] }> {
  const { ok, failed } = verdictsOf('token');
  const { modulePath, softhsmConf, token } = pinned;
  if (softhsmConf !== null && !existsSync(softhsmConf)) {
    const remedy =
      'Restore it; docs/hsm.md says what it holds. Without it SoftHSM2 shows no token, or another one.';
    return { status: null, findings: [failed(`there is no ${softhsmConf}`, remedy)] };
  }
  let tokens: readonly TokenStatus[];
  try {
    tokens = await tokenStatus(pinned);
  } catch (cause) {
    if (!(cause instanceof HsmError)) throw cause;
    return { status: null, findings: [failed(cause.fault.message, cause.fault.remedy)] };
  }
  const status = tokens.find(({ serial }) => serial === token.serial) ?? null;
  if (status === null) {
    const there = tokens.map(({ label, serial }) => `"${label}" (${serial})`).join(', ');
    const problem = `${modulePath} loads, but the token "${token.label}" (serial ${token.serial}) is not there; it shows ${there === '' ? 'none' : there}`;
    const remedy =
      'Attach the token. Of SoftHSM2, see directories.tokendir in its configuration: it names an absolute path.';
    return { status, findings: [failed(problem, remedy)] };
  }
  const findings = judgeToken(status);
  const { label, serial, manufacturer, model } = status;
  const text = `${modulePath} loads and shows "${label}" (serial ${serial}, ${manufacturer} ${model}); the PIN has all its tries`;
  return { status, findings: findings.length > 0 ? findings : [ok(text)] };
}

/** What is wrong with a token that is there, by its own word. */
export function judgeToken(status: TokenStatus): Finding[] {
  return [...ed25519Of(status), ...userPinOf(status)];
}

function ed25519Of({ ed25519, label }: TokenStatus): Finding[] {
  const { failed, warning } = verdictsOf('token');
  switch (ed25519) {
    case 'supported':
      return [];
    case 'cannot-generate':
      return [
        warning(
          `the token "${label}" signs with Ed25519, but cannot make such keys`,
          'The keys that are there do; before a rotation, update its firmware or use another token.',
        ),
      ];
    case 'cannot-sign':
      return [
        failed(
          `the token "${label}" does not list CKM_EDDSA`,
          'Use a token or firmware that signs with Ed25519 (docs/hsm.md).',
        ),
      ];
  }
}

function userPinOf({ userPin, label }: TokenStatus): Finding[] {
  const { failed, warning } = verdictsOf('token');
  switch (userPin) {
    case 'ready':
      return [];
    case 'not-set':
      return [failed(`the token "${label}" has no user PIN yet`, 'writ token init finishes it.')];
    case 'refused-once':
      return [
        warning(
          `the token "${label}" was given a wrong PIN since the last login`,
          'Find out by whom. A login with the right PIN gives all tries back.',
        ),
      ];
    case 'last-try':
      return [
        failed(
          `the token "${label}" allows one more try of the user PIN before it locks; Writ will not make it`,
          "Log in once with the vendor's own tool and the right PIN.",
        ),
      ];
    case 'locked':
      return [
        failed(
          `the token "${label}" has locked the user PIN`,
          "Unlock it with the security officer's PIN and the vendor's own tool.",
        ),
      ];
  }
}

async function checkKeys(
  deployment: Deployment,
  pinned: PinnedToken,
  status: TokenStatus | null,
  pin: PinState,
): Promise<Finding[]> {
  const { failed, skipped } = verdictsOf('keys');
  const obstacle =
    loginObstacle(status, pin) ?? (deployment.options.login ? null : loginDoubt(deployment, status, pin));
  if (obstacle !== null) return [skipped(`not looked at: ${obstacle}`)];
  try {
    return judgeKeys(pinned.keys, await listKeys(pinned));
  } catch (cause) {
    if (!(cause instanceof HsmError)) throw cause;
    return [failed(cause.fault.message, cause.fault.remedy)];
  }
}

/** Why a login cannot be right, whatever the user asked for. */
function loginObstacle(status: TokenStatus | null, pin: PinState): string | null {
  if (status === null) return 'the token is not there';
  if (status.userPin === 'locked' || status.userPin === 'last-try' || status.userPin === 'not-set')
    return 'the token allows no login (see token)';
  return pin === 'unusable' ? 'there is no PIN to log in with (see PIN)' : null;
}

/** Why a login could count against the tries, or get in the way of the daemon's. */
function loginDoubt(deployment: Deployment, status: TokenStatus | null, pin: PinState): string | null {
  if (mayDaemonRun(deployment)) return 'a daemon may hold the token; --login logs in all the same';
  if (status?.userPin === 'refused-once') return 'a PIN was refused since the last login; --login tries once';
  return pin === 'proven'
    ? null
    : 'no login with this PIN is on record, so it may be wrong; --login tries it once';
}

/** Compares the keys on a token with those that are pinned. */
export function judgeKeys(pins: PinnedKeys, listed: readonly KeyDescription[]): Finding[] {
  const { ok, failed, warning } = verdictsOf('keys');
  const shown = listed.map((key) => shownKey(key, pins));
  const findings: Finding[] = [];
  for (const role of keyRoles) {
    const { id } = pins[role];
    const [key, ...others] = shown.filter((candidate) => candidate.id === id);
    if (key === undefined)
      findings.push(
        failed(
          `the token holds no private key with the id ${id}, which is pinned as the ${role} key`,
          'Restore the token from its backup. Nothing can replace the log key: the log ends with it.',
        ),
      );
    else if (others.length > 0)
      findings.push(
        failed(
          `the token holds ${others.length + 1} private keys with the id ${id}, which is pinned as the ${role} key`,
          "Remove or renumber the others with the vendor's own tool.",
        ),
      );
    else if (key.publicKey === null)
      findings.push(
        warning(
          `the token shows no public half of the ${role} key, so that it cannot be compared`,
          'Nothing: the signer proves the key by a signature at every start.',
        ),
      );
    else if (key.pin === 'differs')
      findings.push(
        failed(
          `under the id ${id} lies another ${role} key than the pinned one`,
          'Find out who replaced the key before anything else; writ keys show says more.',
        ),
      );
    if (key !== undefined && key.exposure !== null)
      findings.push(
        failed(
          `the ${role} key ${key.exposure}`,
          "Do not rely on this key: its signatures can be made elsewhere. Check the token's policy, and plan a new key.",
        ),
      );
  }
  if (findings.length > 0) return findings;
  return [
    ok('both pinned keys are on the token, sensitive and never extractable, and their public halves match'),
  ];
}
