/** Requests that the starter policy permits, and answers taken apart, for tests against a real daemon. */

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecuteRequest } from '../../src/format/action.js';
import type { Allowed, Denied } from '../../src/format/protocol.js';
import { parseTrust, type Trust } from '../../src/format/trust.js';

/** `echo` with one argument, in `/`, with an environment that nobody has. */
export function echo(text: string): ExecuteRequest {
  return {
    type: 'execute',
    executable: '/usr/bin/echo',
    argv: ['echo', text],
    cwd: '/',
    environmentDigest: '0'.repeat(128),
  };
}

/** A command that the starter policy forbids to everybody. */
export const destroy: ExecuteRequest = {
  ...echo('x'),
  executable: '/usr/bin/rm',
  argv: ['rm', '-rf', '/tmp/none'],
};

/** An Ed25519 key that nobody holds any more, in base64. */
export function freshKey(): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}

export function freshNonce(): string {
  return randomBytes(16).toString('base64');
}

export function allowed<Answer extends { readonly decision: string }>(
  answer: Answer | Denied,
): Extract<Answer, { decision: 'allow' }> {
  if (answer.decision !== 'allow') assert.fail(`denied: ${codesOf(answer as Denied).join(', ')}`);
  return answer as Extract<Answer, { decision: 'allow' }>;
}

export function codesOf(answer: Allowed | Denied | { readonly decision: string }): string[] {
  return answer.decision === 'deny' ? (answer as Denied).denials.map(({ code }) => code) : [];
}

export async function trustOf(stateDirectory: string): Promise<Trust> {
  return parseTrust(JSON.parse(await readFile(join(stateDirectory, 'trust.json'), 'utf8')));
}
