/** Reads what a grant permits, its scope, from its canonical form, in the order of RFC 8785. */

import type { ExecuteAction, SignAction } from './action.js';
import { type CanonicalCursor, type PartMemory, unexpected } from './canonical-cursor.js';
import type { DigestSet } from './digest-set.js';
import { type Bind, type Execution, type Scope, undigested } from './predicate.js';
import {
  digests,
  groupIds,
  id32,
  list,
  matching,
  maxSafe,
  nullableText,
  quotedText,
  unbounded,
} from './statement-values.js';

const nonceText = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const keyText = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** All of a program's scope but its arguments. */
export interface AfterArgv {
  readonly action: Omit<ExecuteAction, 'argv'>;
  readonly rest: Omit<Scope, 'action'>;
}

/** What statements about one program have in common. */
export interface ScopeMemory {
  readonly digests: PartMemory<DigestSet>;
  readonly afterArgv: PartMemory<AfterArgv>;
}

/** The scope, and the nonce behind it. */
export function scopeAndNonce(
  cursor: CanonicalCursor,
  memory: ScopeMemory,
): { readonly scope: Scope; readonly nonce: string } {
  if (!cursor.passes('{"argv":')) {
    const action = blobSignature(cursor);
    const { audience, bind, descend, execution, uid, gid } = scopeRest(cursor);
    const nonce = matching(cursor, nonceText);
    return { scope: { action, uid, gid, audience, bind, descend, execution }, nonce };
  }
  const argv = list(cursor, quotedText);
  if (argv.length === 0) throw unexpected;
  const { action, rest } = cursor.part(memory.afterArgv, (again) => afterArgv(again, memory));
  const nonce = matching(cursor, nonceText);
  const { executable, cwd, environmentDigest, digests: measured } = action;
  const { audience, bind, descend, execution, uid, gid } = rest;
  return {
    scope: {
      action: { type: 'execute', executable, argv, cwd, environmentDigest, digests: measured },
      uid,
      gid,
      audience,
      bind,
      descend,
      execution,
    },
    nonce,
  };
}

/** From behind the arguments of an `execute` action to the nonce. */
function afterArgv(cursor: CanonicalCursor, memory: ScopeMemory): AfterArgv {
  cursor.pass(',"cwd":"');
  const cwd = cursor.text(0, unbounded);
  cursor.pass(',"digests":');
  const measured = cursor.part(memory.digests, digests);
  cursor.pass(',"environmentDigest":"');
  const environmentDigest = cursor.hex(128);
  cursor.pass(',"executable":"');
  const executable = cursor.text(0, unbounded);
  cursor.pass(',"type":"execute"}');
  const action = { type: 'execute', executable, cwd, environmentDigest, digests: measured } as const;
  return { action, rest: scopeRest(cursor) };
}

/** From behind the action to the nonce. */
function scopeRest(cursor: CanonicalCursor): Omit<Scope, 'action'> {
  cursor.pass(',"audience":');
  const audience = nullableText(cursor, 1, 256);
  cursor.pass(',"bind":');
  const boundTo = bind(cursor);
  // Lists of programs are for the schemas to read.
  cursor.pass(',"descend":"');
  const descend = cursor.passes('any"') ? 'any' : 'none';
  if (descend === 'none') cursor.pass('none"');
  cursor.pass(',"execution":');
  const executed = cursor.passesNull() ? null : execution(cursor);
  cursor.pass(',"gid":');
  const gid = id32(cursor);
  cursor.pass(',"uid":');
  const uid = id32(cursor);
  cursor.pass('},"validity":{"nonce":"');
  return { uid, gid, audience, bind: boundTo, descend, execution: executed };
}

function bind(cursor: CanonicalCursor): Bind {
  if (cursor.passes('{"key":"')) {
    const key = matching(cursor, keyText);
    cursor.pass('}');
    return { key };
  }
  cursor.pass('"');
  if (cursor.passes('uid"')) return 'uid';
  if (cursor.passes('executable"')) return 'executable';
  cursor.pass('process"');
  return 'process';
}

function execution(cursor: CanonicalCursor): Execution {
  cursor.pass('{"confine":"');
  const confine = cursor.passes('tree"') ? 'tree' : 'best-effort';
  if (confine === 'best-effort') cursor.pass('best-effort"');
  cursor.pass(',"groups":');
  const groups = groupIds(cursor);
  cursor.pass(',"limits":{"cpuSeconds":');
  const cpuSeconds = limit(cursor);
  cursor.pass(',"fileBytes":');
  const fileBytes = limit(cursor);
  cursor.pass(',"memoryBytes":');
  const memoryBytes = limit(cursor);
  cursor.pass(',"openFiles":');
  const openFiles = limit(cursor);
  cursor.pass(',"processes":');
  const processes = limit(cursor);
  cursor.pass('},"undigested":["loaded-libraries","imported-modules"]}');
  return {
    groups,
    confine,
    limits: { cpuSeconds, memoryBytes, processes, openFiles, fileBytes },
    undigested,
  };
}

function limit(cursor: CanonicalCursor): number | null {
  return cursor.passesNull() ? null : cursor.integer(0, maxSafe);
}

function blobSignature(cursor: CanonicalCursor): SignAction {
  cursor.pass('{"digests":');
  const claimed = digests(cursor);
  cursor.pass(',"name":"');
  const blobName = cursor.text(1, 4096);
  cursor.pass(',"sizeBytes":');
  const sizeBytes = cursor.integer(0, maxSafe);
  cursor.pass(',"type":"sign"}');
  return { type: 'sign', name: blobName, sizeBytes, digests: claimed };
}
