// Facts and bundles that the policy tests share.

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExactText } from '../../src/format/exact-text.js';
import type { PolicyFacts } from '../../src/policy/input.js';
import type { PolicyRequest } from '../../src/policy/request.js';

export const starterDirectory = fileURLToPath(new URL('../../../policies/', import.meta.url));

export const digests = { sha3_512: 'a'.repeat(128), blake2b: 'b'.repeat(128), sha256: 'c'.repeat(64) };

/** Facts of an ordinary caller, uid 1000 without any group, with what a test changes. */
export function facts(request: PolicyRequest, changed: Partial<PolicyFacts> = {}): PolicyFacts {
  return {
    peer: {
      pid: 4321,
      startTime: 99,
      uid: 1000,
      gid: 1000,
      groups: [1000],
      executable: { source: 'kernel', path: '/usr/bin/node', digests },
      cgroup: '/user.slice',
      label: null,
    },
    user: 'user',
    groups: ['user'],
    claimed: { agent: null, user: null },
    environment: [
      { name: 'boot', value: '6f1c', source: 'kernel' },
      { name: 'kernel', value: '6.1.0', source: 'kernel' },
    ],
    purpose: null,
    ticket: null,
    attest: null,
    anchor: null,
    lineageDepth: 0,
    governed: false,
    nowSeconds: null,
    request,
    ...changed,
  };
}

/** A request to run the program at a path, called by its own name unless `argv` says otherwise. */
export function execute(
  executable: ExactText,
  argv: readonly ExactText[] = [executable],
): PolicyRequest & { readonly type: 'execute' } {
  return {
    type: 'execute',
    executable,
    argv,
    cwd: '/srv',
    environmentDigest: 'e'.repeat(128),
    digests,
    use: 'single',
    confine: 'tree',
    descend: 'any',
  };
}

/**
 * Runs a test on a copy of the starter bundle, in which the given files are written anew (or removed, by null).
 * The copy is removed afterwards.
 */
export async function withBundle<Result>(
  files: Readonly<Record<string, string | null>>,
  test: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-policy-'));
  try {
    await cp(starterDirectory, directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      if (text === null) await rm(path);
      else await writeFile(path, text);
    }
    return await test(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
