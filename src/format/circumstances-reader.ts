/**
 * Reads the circumstances of a grant from its canonical form: what stands between its request digest and the digest of its
 * policy input, in the order of RFC 8785.
 */

import type { CanonicalCursor, PartMemory } from './canonical-cursor.js';
import type {
  Binding,
  ExecutableFact,
  Governance,
  Initiator,
  Lineage,
  Peer,
  PolicyRecord,
} from './predicate.js';
import {
  digests,
  groupIds,
  id32,
  list,
  maxSafe,
  name,
  nullableText,
  quotedId,
  quotedName,
  unbounded,
} from './statement-values.js';

/** Who asked, where, on whose behalf, and under which policy. */
export interface Circumstances {
  readonly environment: readonly Binding[];
  readonly governance: Governance;
  readonly initiator: Initiator;
  readonly lineage: Lineage;
  readonly policy: Omit<PolicyRecord, 'input' | 'version'>;
}

/** What statements of one host and of one caller have in common. */
export interface CircumstancesMemory {
  readonly environment: PartMemory<readonly Binding[]>;
  readonly initiator: PartMemory<Initiator>;
}

/** From behind the request digest to the digest of the policy input. */
export function circumstances(cursor: CanonicalCursor, memory: CircumstancesMemory): Circumstances {
  cursor.pass('},"environment":');
  const environment = cursor.part(memory.environment, bindings);
  cursor.pass(',"governance":');
  const governed = governance(cursor);
  cursor.pass(',"initiator":');
  const initiated = cursor.part(memory.initiator, initiator);
  cursor.pass(',"lineage":');
  const descended = lineage(cursor);
  cursor.pass(',"policy":{"bundle":"');
  const bundle = cursor.hex(128);
  cursor.pass(',"decision":"');
  const isAllow = cursor.passes('allow"');
  if (!isAllow) cursor.pass('deny"');
  cursor.pass(',"determining":');
  const determining = list(cursor, quotedName);
  cursor.pass(',"engine":"');
  const engine = name(cursor);
  cursor.pass(',"input":"');
  return {
    environment,
    governance: governed,
    initiator: initiated,
    lineage: descended,
    policy: { bundle, decision: isAllow ? 'allow' : 'deny', determining, engine },
  };
}

function bindings(cursor: CanonicalCursor): Binding[] {
  return list(cursor, binding);
}

function binding(cursor: CanonicalCursor): Binding {
  cursor.pass('{"name":"');
  const boundName = name(cursor);
  if (cursor.passes(',"quote":')) {
    const quote = quotedId(cursor);
    cursor.pass(',"source":"tpm","value":"');
    return { name: boundName, value: boundValue(cursor), source: 'tpm', quote };
  }
  cursor.pass(',"source":"');
  const source = cursor.passes('kernel"') ? 'kernel' : passReported(cursor);
  cursor.pass(',"value":"');
  return { name: boundName, value: boundValue(cursor), source };
}

function passReported(cursor: CanonicalCursor): 'reported' {
  cursor.pass('reported"');
  return 'reported';
}

function boundValue(cursor: CanonicalCursor): string {
  const value = cursor.text(0, 4096);
  cursor.pass('}');
  return value;
}

function governance(cursor: CanonicalCursor): Governance {
  // Approvals are rare, and for the schemas to read.
  cursor.pass('{"approvals":[],"authority":');
  const authority = nullableText(cursor, 1, 256);
  cursor.pass(',"purpose":');
  const purpose = nullableText(cursor, 0, 1024);
  cursor.pass(',"ticket":');
  const ticket = nullableText(cursor, 0, 1024);
  cursor.pass('}');
  return { authority, approvals: [], purpose, ticket };
}

function initiator(cursor: CanonicalCursor): Initiator {
  cursor.pass('{"claimed":{"agent":');
  const agent = nullableText(cursor, 1, 256);
  cursor.pass(',"user":');
  const user = nullableText(cursor, 1, 256);
  cursor.pass('},"peer":');
  const attested = peer(cursor);
  cursor.pass('}');
  return { peer: attested, claimed: { agent, user } };
}

function peer(cursor: CanonicalCursor): Peer {
  cursor.pass('{"cgroup":');
  const cgroup = nullableText(cursor, 0, unbounded);
  cursor.pass(',"executable":');
  const executable = executableFact(cursor);
  cursor.pass(',"gid":');
  const gid = id32(cursor);
  cursor.pass(',"groups":');
  const groups = groupIds(cursor);
  cursor.pass(',"label":');
  const label = nullableText(cursor, 0, unbounded);
  cursor.pass(',"pid":');
  const pid = id32(cursor);
  cursor.pass(',"startTime":');
  const startTime = cursor.integer(0, maxSafe);
  cursor.pass(',"uid":');
  const uid = id32(cursor);
  cursor.pass('}');
  return { pid, startTime, uid, gid, groups, executable, cgroup, label };
}

function executableFact(cursor: CanonicalCursor): ExecutableFact {
  if (cursor.passes('{"reason":"')) {
    const reason = cursor.text(0, 1024);
    cursor.pass(',"source":"unavailable"}');
    return { source: 'unavailable', reason };
  }
  cursor.pass('{"digests":');
  const measured = digests(cursor);
  cursor.pass(',"path":"');
  const path = cursor.text(0, unbounded);
  cursor.pass(',"source":"');
  const isFromKernel = cursor.passes('kernel"}');
  if (!isFromKernel) cursor.pass('reported"}');
  return { source: isFromKernel ? 'kernel' : 'reported', path, digests: measured };
}

function lineage(cursor: CanonicalCursor): Lineage {
  cursor.pass('{"basis":"');
  const basis = cursor.passes('none"') ? 'none' : cursor.passes('named"') ? 'named' : 'observed';
  if (basis === 'observed') cursor.pass('observed"');
  cursor.pass(',"depth":');
  const depth = cursor.integer(0, 1000);
  cursor.pass(',"parent":');
  const parent = cursor.passesNull() ? null : quotedId(cursor);
  cursor.pass(',"root":');
  const root = cursor.passesNull() ? null : quotedId(cursor);
  cursor.pass('}');
  return { parent, root, depth, basis };
}
