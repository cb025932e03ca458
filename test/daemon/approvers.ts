/** People with real Ed25519 keys who approve requests, and bundles in which a policy demands that they do. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentToApprove } from '../../src/client/approval-document.js';
import type { WritClient } from '../../src/client/client.js';
import { approvalMessage } from '../../src/format/approval.js';
import type { ApproveParams, PendingDetail } from '../../src/format/pending.js';
import type { GrantResult } from '../../src/format/protocol.js';
import { allowed } from './requests.js';

const starterDirectory = fileURLToPath(new URL('../../../policies/', import.meta.url));

export interface Person {
  readonly key: string;
  readonly privateKey: KeyObject;
}

export function newPerson(): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { key: Buffer.from(x, 'base64url').toString('base64'), privateKey };
}

/** What the person would send to approve what the daemon shows. */
export function approvalBy(person: Person, pending: PendingDetail): ApproveParams {
  const message = approvalMessage(documentToApprove(pending), 'ed25519');
  const signature = sign(null, message, person.privateKey).toString('base64');
  return { pending: pending.id, key: person.key, form: 'ed25519', signature };
}

/** Looks at a request that waits, and approves it. */
export async function approveAs(writ: WritClient, person: Person, id: string): Promise<GrantResult> {
  return writ.approve(approvalBy(person, allowed(await writ.pending({ id })).pending));
}

/** A policy that permits only with approvals. */
export function demandingPolicy(id: string, demand: string, head: string): string {
  return `@id("${id}") ${demand} permit (principal, ${head});\n`;
}

/**
 * A copy of the starter bundle with more policies and these approvers, in a directory of its own. Settings are lines for
 * `[settings]`.
 */
export function bundleWith(policies: string, approvers: string, settings = ''): string {
  const directory = join(mkdtempSync(join(tmpdir(), 'writ-approvals-')), 'policies');
  cpSync(starterDirectory, directory, { recursive: true });
  writeFileSync(join(directory, 'approved.cedar'), policies);
  writeFileSync(join(directory, 'approvers.toml'), approvers);
  if (settings !== '') {
    const file = join(directory, 'bundle.toml');
    cpSync(join(starterDirectory, 'bundle.toml'), file);
    writeFileSync(file, settings, { flag: 'a' });
  }
  return directory;
}
