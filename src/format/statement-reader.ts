/**
 * Reads a grant (an authorization or a signature) as this project writes it, in one pass: canonical JSON of plain ASCII.
 * It accepts nothing that the schemas of statement.ts refuse, and gives the same values; all else is theirs to judge.
 * The keys stand in the order of RFC 8785, which is why `subject` comes last.
 */

import type { ExecuteAction, SignAction } from './action.js';
import type { ArtifactId } from './artifact-id.js';
import { CanonicalCursor, type PartMemory, unexpected } from './canonical-cursor.js';
import type { DigestSet } from './digest-set.js';
import {
  type Attribution,
  type Bind,
  type Binding,
  type ExecutableFact,
  type Execution,
  type Governance,
  type GrantPredicate,
  type Initiator,
  type Lineage,
  type Peer,
  type PolicyRecord,
  type Scope,
  undigested,
  type Validity,
} from './predicate.js';
import { parseInstant } from './time.js';

const maxUint32 = 0xffff_ffff;
const maxGroups = 65_536;
const maxSafe = Number.MAX_SAFE_INTEGER;
const unbounded = Number.POSITIVE_INFINITY;
const nonceText = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const keyText = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const rootText = /^[A-Za-z0-9+/]{43}=$/;

/** An authorization or a signature, as statement.ts describes it. */
export interface GrantStatement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [{ readonly name: string; readonly digest: DigestSet }];
  readonly predicateType: 'urn:writ:authorization:v1' | 'urn:writ:signature:v1';
  readonly predicate: GrantPredicate;
}

/**
 * What statements of one host, one caller or one program have in common, as it was read last. Statements that repeat
 * such a part share it, and it is read once. That changes no statement.
 */
export class StatementMemory {
  readonly attribution: PartMemory<AttributionHead> = { known: null };
  readonly middle: PartMemory<Middle> = { known: null };
  readonly environment: PartMemory<readonly Binding[]> = { known: null };
  readonly initiator: PartMemory<Initiator> = { known: null };
  readonly digests: PartMemory<DigestSet> = { known: null };
  readonly afterArgv: PartMemory<AfterArgv> = { known: null };
  readonly end: PartMemory<End> = { known: null };
}

/** For a statement by itself; nothing is ever remembered here. */
const noMemory = new StatementMemory();

/** The statement, or null where the schemas must judge. Never throws. */
export function readOwnStatement(payload: Uint8Array, memory: StatementMemory | null): GrantStatement | null {
  try {
    return grant(new CanonicalCursor(payload, memory !== null), memory ?? noMemory);
  } catch {
    return null;
  }
}

/**
 * The document is read in pieces, each up to the next value that differs between any two statements: the digests of
 * request and policy input, the arguments, the nonce and the times.
 */
function grant(cursor: CanonicalCursor, memory: StatementMemory): GrantStatement {
  const { log, daemon, host, previousCheckpoint } = cursor.part(memory.attribution, attributionHead);
  const request = cursor.hex(128);
  const { environment, governance, initiator, lineage, policy } = cursor.part(memory.middle, (again) =>
    middle(again, memory),
  );
  const input = cursor.hex(128);
  cursor.pass(',"version":');
  const version = cursor.integer(1, maxSafe);
  cursor.pass('},"scope":{"action":');
  const { scope, nonce } = scopeAndNonce(cursor, memory);
  cursor.pass(',"notAfter":"');
  const notAfter = instant(cursor);
  cursor.pass(',"notBefore":"');
  const notBefore = instant(cursor);
  const lease = leaseTerms(cursor);
  const { use, predicateType, subject } = cursor.part(memory.end, (again) => end(again, memory));
  if ((use === 'lease') !== (lease !== null)) throw unexpected;
  if ((scope.action.type === 'execute') !== (scope.execution !== null)) throw unexpected;
  cursor.end();
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType,
    predicate: {
      scope,
      initiator,
      policy: {
        bundle: policy.bundle,
        version,
        decision: policy.decision,
        determining: policy.determining,
        engine: policy.engine,
        input,
      },
      environment,
      validity:
        lease === null
          ? { notBefore, notAfter, use: 'single', nonce }
          : { notBefore, notAfter, use: 'lease', ...lease, nonce },
      lineage,
      governance,
      attribution: { log, daemon, host, request, previousCheckpoint },
    },
  };
}

/** What only the validity of a lease has, behind `notBefore`. */
function leaseTerms(
  cursor: CanonicalCursor,
): { readonly renewSeconds: number; readonly until: string } | null {
  if (!cursor.passes(',"renewSeconds":')) return null;
  const renewSeconds = cursor.integer(1, maxSafe);
  cursor.pass(',"until":"');
  return { renewSeconds, until: instant(cursor) };
}

type AttributionHead = Omit<Attribution, 'request'>;

/** From the statement's beginning to its request digest. */
function attributionHead(cursor: CanonicalCursor): AttributionHead {
  cursor.pass('{"_type":"https://in-toto.io/Statement/v1","predicate":{"attribution":{"daemon":"');
  const daemon = name(cursor);
  cursor.pass(',"host":"');
  const host = name(cursor);
  cursor.pass(',"log":"');
  const log = name(cursor);
  cursor.pass(',"previousCheckpoint":');
  const previousCheckpoint = cursor.passesNull() ? null : treeHead(cursor);
  cursor.pass(',"request":"');
  return { log, daemon, host, previousCheckpoint };
}

interface Middle {
  readonly environment: readonly Binding[];
  readonly governance: Governance;
  readonly initiator: Initiator;
  readonly lineage: Lineage;
  readonly policy: Omit<PolicyRecord, 'input' | 'version'>;
}

/** From behind the request digest to the digest of the policy input. */
function middle(cursor: CanonicalCursor, memory: StatementMemory): Middle {
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

interface End {
  readonly use: Validity['use'];
  readonly predicateType: GrantStatement['predicateType'];
  readonly subject: GrantStatement['subject'];
}

/** From behind the times to the end. */
function end(cursor: CanonicalCursor, memory: StatementMemory): End {
  cursor.pass(',"use":"');
  const use = cursor.passes('single"') ? 'single' : 'lease';
  if (use === 'lease') cursor.pass('lease"');
  cursor.pass('}},"predicateType":"urn:writ:');
  const isAuthorization = cursor.passes('authorization:v1"');
  if (!isAuthorization) cursor.pass('signature:v1"');
  cursor.pass(',"subject":[{"digest":');
  const digest = cursor.part(memory.digests, digests);
  cursor.pass(',"name":"');
  const subjectName = cursor.text(0, 16_384);
  cursor.pass('}]}');
  return {
    use,
    predicateType: isAuthorization ? 'urn:writ:authorization:v1' : 'urn:writ:signature:v1',
    subject: [{ name: subjectName, digest }],
  };
}

function treeHead(cursor: CanonicalCursor): NonNullable<Attribution['previousCheckpoint']> {
  cursor.pass('{"root":"');
  const root = matching(cursor, rootText);
  cursor.pass(',"size":');
  const size = cursor.integer(0, maxSafe);
  cursor.pass('}');
  return { size, root };
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
  const groups = list(cursor, id32);
  if (groups.length > maxGroups) throw unexpected;
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

interface AfterArgv {
  readonly action: Omit<ExecuteAction, 'argv'>;
  readonly rest: Omit<Scope, 'action'>;
}

/** The scope, and the nonce behind it. */
function scopeAndNonce(
  cursor: CanonicalCursor,
  memory: StatementMemory,
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
function afterArgv(cursor: CanonicalCursor, memory: StatementMemory): AfterArgv {
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
  const groups = list(cursor, id32);
  if (groups.length > maxGroups) throw unexpected;
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

function digests(cursor: CanonicalCursor): DigestSet {
  cursor.pass('{"blake2b":"');
  const blake2b = cursor.hex(128);
  cursor.pass(',"sha256":"');
  const sha256 = cursor.hex(64);
  cursor.pass(',"sha3_512":"');
  const sha3_512 = cursor.hex(128);
  cursor.pass('}');
  return { sha3_512, blake2b, sha256 };
}

function list<Item>(cursor: CanonicalCursor, item: (cursor: CanonicalCursor) => Item): Item[] {
  cursor.pass('[');
  const items: Item[] = [];
  if (cursor.passes(']')) return items;
  do items.push(item(cursor));
  while (cursor.passes(','));
  cursor.pass(']');
  return items;
}

function name(cursor: CanonicalCursor): string {
  return cursor.text(1, 256);
}

function quotedName(cursor: CanonicalCursor): string {
  cursor.pass('"');
  return name(cursor);
}

function quotedText(cursor: CanonicalCursor): string {
  cursor.pass('"');
  return cursor.text(0, unbounded);
}

function nullableText(cursor: CanonicalCursor, minLength: number, maxLength: number): string | null {
  if (cursor.passesNull()) return null;
  cursor.pass('"');
  return cursor.text(minLength, maxLength);
}

function quotedId(cursor: CanonicalCursor): ArtifactId {
  cursor.pass('"sha3-512:');
  return `sha3-512:${cursor.hex(128)}`;
}

function id32(cursor: CanonicalCursor): number {
  return cursor.integer(0, maxUint32);
}

function matching(cursor: CanonicalCursor, pattern: RegExp): string {
  const text = cursor.text(0, 64);
  if (!pattern.test(text)) throw unexpected;
  return text;
}

function instant(cursor: CanonicalCursor): string {
  const text = cursor.text(24, 24);
  try {
    parseInstant(text);
  } catch {
    throw unexpected;
  }
  return text;
}
