/**
 * Reads a grant (an authorization or a signature) as this project writes it, in one pass: canonical JSON of plain ASCII.
 * It accepts nothing that the schemas of statement.ts refuse, and gives the same values; all else is theirs to judge.
 * The keys stand in the order of RFC 8785, which is why `subject` comes last.
 */

import { CanonicalCursor, type PartMemory, unexpected } from './canonical-cursor.js';
import { type Circumstances, type CircumstancesMemory, circumstances } from './circumstances-reader.js';
import type { DigestSet } from './digest-set.js';
import type { Attribution, Binding, GrantPredicate, Initiator, Validity } from './predicate.js';
import { type AfterArgv, type ScopeMemory, scopeAndNonce } from './scope-reader.js';
import { digests, instant, matching, maxSafe, name } from './statement-values.js';

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
export class StatementMemory implements CircumstancesMemory, ScopeMemory {
  readonly attribution: PartMemory<AttributionHead> = { known: null };
  readonly circumstances: PartMemory<Circumstances> = { known: null };
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
  const { environment, governance, initiator, lineage, policy } = cursor.part(memory.circumstances, (again) =>
    circumstances(again, memory),
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
