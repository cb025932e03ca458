/** Reads `approvers.toml`, the file of a bundle that names who may approve: people with their keys, and groups of people. */

import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { type Approver, type Approvers, nobody } from '../format/approvers.js';
import { base64Decode, base64Encode } from '../format/base64.js';
import { parseSshPublicKey } from '../format/ssh-key.js';
import { verifyingKey } from '../verify/ed25519.js';
import { PolicyBundleError } from './bundle-error.js';

const maxPeople = 1024;
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be lower-case letters, digits, . _ and -');

const fileSchema = z.strictObject({
  approvers: z.record(
    name,
    z.strictObject({
      keys: z.array(z.string()).min(1).max(8),
      uid: z.int().min(0).max(0xffff_ffff).optional(),
    }),
  ),
  groups: z.record(name, z.array(name).min(1).max(maxPeople)),
});

/**
 * The people and groups of a file's text; nobody where there is no file. A key is a line of OpenSSH (`ssh-ed25519 AAAA…`) or
 * base64 of 32 bytes. Throws PolicyBundleError for a key that is none, for a key or uid of two people, since one of them
 * could then count twice, and for a group with a stranger in it; `path` is only for its messages.
 */
export function readApprovers(path: string, text: string | undefined): Approvers {
  if (text === undefined) return nobody;
  const read = fileSchema.safeParse(parsedToml(path, text));
  if (!read.success) {
    const problems = read.error.issues.map(({ path: keys, message }) => `${keys.join('.')}: ${message}`);
    throw fault(path, problems.join('; '));
  }
  const people = new Map<string, Approver>();
  const owners = new Map<string, string>();
  for (const [person, { keys, uid = null }] of Object.entries(read.data.approvers)) {
    const approver = { keys: keys.map((key) => publicKeyOf(path, person, key)), uid };
    const marks = [...approver.keys.map((key) => `key ${key}`), ...(uid === null ? [] : [`uid ${uid}`])];
    for (const mark of marks) {
      const owner = owners.get(mark);
      if (owner !== undefined) throw fault(path, `the ${mark} stands twice (${owner}, ${person})`);
      owners.set(mark, person);
    }
    people.set(person, approver);
  }
  return { people, groups: readGroups(path, read.data.groups, people) };
}

function readGroups(
  path: string,
  groups: Readonly<Record<string, readonly string[]>>,
  people: ReadonlyMap<string, Approver>,
): Approvers['groups'] {
  for (const [group, members] of Object.entries(groups)) {
    const stranger = members.find((member) => !people.has(member));
    if (stranger !== undefined)
      throw fault(path, `the group "${group}" names "${stranger}", who is no approver`);
    if (new Set(members).size < members.length)
      throw fault(path, `the group "${group}" names somebody twice`);
  }
  return new Map(Object.entries(groups));
}

/** A key in base64. */
function publicKeyOf(path: string, person: string, text: string): string {
  try {
    const publicKey = /\s/.test(text) ? parseSshPublicKey(text).publicKey : base64Decode(text);
    if (publicKey.length !== 32) throw new SyntaxError(`it holds ${publicKey.length} bytes, not 32`);
    return base64Encode(verifyingKey(publicKey).publicKey);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw fault(path, `a key of "${person}" is no Ed25519 public key: ${problem}`, { cause });
  }
}

function parsedToml(path: string, text: string): unknown {
  try {
    return parseToml(text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.trim() : String(cause);
    throw fault(path, `the file is not valid TOML (${problem})`, { cause });
  }
}

function fault(path: string, problem: string, options?: ErrorOptions): PolicyBundleError {
  return new PolicyBundleError(path, problem, 'Correct it; docs/approvals.md shows an example.', options);
}
