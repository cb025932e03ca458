/** Tells an evidence pack's story in plain words, one sentence for each thing that the log proves. */

import type { ArtifactId } from '../../format/artifact-id.js';
import { displayText } from '../../format/exact-text.js';
import type { Confinement, EndRecord, ExitStatus, LeaseRecord } from '../../format/lease.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { Statement } from '../../format/statement.js';
import type { Story } from '../../verify/evidence.js';
import type { Chapter, Placed } from '../../verify/evidence-chapter.js';
import { activationsOf } from '../../verify/evidence-texts.js';
import type { AuthenticStatement } from '../../verify/verdict.js';
import { actionText } from '../statement-text.js';
import type { Redecision } from './redecide.js';

/** What happened, in the order of the log; ancestors first. */
export function storyLines(
  { chapters, size, standing, unrelated }: Story,
  redecisions: readonly Redecision[],
): string[] {
  const told = chapters.map((chapter) => chapterLines(chapter, redecisions));
  const ancestors = told.length - 1;
  return [
    ...told
      .toReversed()
      .flatMap((lines, position) => [
        position < ancestors ? `ancestor ${ancestors - position}` : 'the decision',
        ...lines.map((line) => `  ${line}`),
      ]),
    ...standingLines(standing),
    `all of it lies in a tree of ${size} entries that the log has signed`,
    ...(unrelated === 0 ? [] : [`${unrelated} entries of the file have nothing to do with it`]),
  ];
}

function standingLines(standing: Story['standing']): string[] {
  if (standing === null || standing.outcome === 'silent') return [];
  const { index, record, outcome } = standing;
  const word = outcome === 'revoked' ? 'is named as revoked' : 'is not among what was revoked';
  return [`in the standing status of the log at entry ${index}, ${record.time}, it ${word}`];
}

/** What is told of an entry. */
interface Event {
  readonly id: ArtifactId;
  readonly index: number;
  readonly lines: readonly string[];
}

function chapterLines(chapter: Chapter, redecisions: readonly Redecision[]): string[] {
  const { decision, quote, redemption, end, revocations } = chapter;
  const otherwise = redecisions.filter(({ outcome }) => outcome === 'different').map(({ id }) => id);
  const events: Event[] = [
    decisionEvent(decision),
    ...activationEvents(chapter),
    ...leaseEvents(chapter, otherwise),
  ];
  const tell = (placed: Placed, sentence: string) => events.push(eventOf(placed, sentence));
  if (quote !== null) tell(quote, 'the TPM vouched for the state of the machine');
  if (redemption !== null) tell(redemption, `user ${redemption.record.redeemer.uid} redeemed it`);
  if (end !== null) tell(end, endText(end.record));
  for (const revocation of revocations)
    tell(revocation, `it was revoked (${revocation.record.cause}) by ${byText(revocation.record.by)}`);
  return events
    .toSorted((left, right) => left.index - right.index)
    .flatMap(({ id, lines }) => [...lines, ...redecisionLines(redecisions.filter((each) => each.id === id))]);
}

function eventOf({ id, index, record: { time } }: Placed, sentence: string): Event {
  return { id, index, lines: [`entry ${index}, ${time}: ${sentence}`] };
}

function decisionEvent({ id, index, statement }: AuthenticStatement): Event {
  const { peer } = statement.predicate.initiator;
  const program =
    peer.executable.source === 'unavailable' ? 'an unknown program' : displayText(peer.executable.path);
  const asker = `user ${peer.uid} (process ${peer.pid}, ${program})`;
  if (statement.predicateType !== 'urn:writ:denial:v1')
    return { id, index, lines: grantLines(index, asker, statement.predicate) };
  const { method, time, denials } = statement.predicate;
  const reasons = denials.map(({ code, message }) => `  ${code}: ${message}`);
  return { id, index, lines: [`entry ${index}, ${time}: ${asker} was denied ${method}`, ...reasons] };
}

/** How the bundles came into force under which something was decided. */
function activationEvents(chapter: Chapter): Event[] {
  return activationsOf(chapter).map((activation) => {
    const { version, authority } = activation.record;
    return eventOf(activation, `version ${version} of the policy came into force, ${signedText(authority)}`);
  });
}

/**
 * How a run began, and its newest renewal: there can be thousands, and that one tells how long it could go on.
 * @param otherwise entries that are told in any case: they were decided again, and otherwise
 */
function leaseEvents(
  { decision: { statement }, leases, end }: Chapter,
  otherwise: readonly ArtifactId[],
): Event[] {
  const [opened, ...renewals] = leases;
  if (opened === undefined) return [];
  const { process, confinement } = opened.record;
  const verb = end?.record.cause === 'not-started' ? 'was to run' : 'began to run';
  const began = `it ${verb} as process ${process.pid}, ${confinementText(confinement)}; ${descendText(statement, opened.record)}`;
  const told = renewals.filter((lease, at) => at === renewals.length - 1 || otherwise.includes(lease.id));
  return [
    eventOf(opened, began),
    ...told.map((lease) => eventOf(lease, `its lease was renewed until ${lease.record.until}`)),
  ];
}

/** Where anything may be started there is nothing to enforce, and the record says no more than that. */
function descendText({ predicate }: Statement, { descend }: LeaseRecord): string {
  if ('scope' in predicate && predicate.scope.descend === 'any') return 'it could start any program in turn';
  return `what it may start in turn was ${descend === 'enforced' ? 'enforced by the kernel' : 'not enforced'}`;
}

function signedText(authority: string | null): string {
  return authority === null ? 'signed by nobody' : `signed by the key ${authority}`;
}

function byText(by: number | null): string {
  return by === null ? 'the daemon itself' : `user ${by}`;
}

function grantLines(index: number, asker: string, predicate: GrantPredicate): string[] {
  const { scope, validity, policy, governance, lineage } = predicate;
  const verb = { execute: 'run', tool: 'call', sign: 'have signed' }[scope.action.type];
  const lines = [
    `entry ${index}, ${validity.notBefore}: ${asker} was allowed to ${verb}: ${actionText(scope.action)}`,
    `allowed by ${policy.determining.join(', ')} of policy version ${policy.version}; to be used until ${validity.notAfter}`,
  ];
  if (lineage.parent !== null)
    lines.push(
      `a child of the artifact above, as ${lineage.basis === 'observed' ? 'the kernel showed' : 'it named it'}`,
    );
  for (const { approver, form } of governance.approvals)
    lines.push(`approved by ${approver}, by a signature of the form ${form}`);
  if (governance.purpose !== null) lines.push(`purpose, as it was claimed: ${governance.purpose}`);
  if (governance.ticket !== null) lines.push(`ticket, as it was claimed: ${governance.ticket}`);
  return lines;
}

/** Of one entry: what comes out the same way is said once. */
function redecisionLines(redecisions: readonly Redecision[]): string[] {
  return [...new Set(redecisions.map(redecisionLine))];
}

function redecisionLine(redecision: Redecision): string {
  switch (redecision.outcome) {
    case 'same':
      return `decided again from the kept input by ${redecision.engine}: the same`;
    case 'different':
      return `DECIDED OTHERWISE from the kept input: ${redecision.reason}`;
    case 'impossible':
      return `not decided again: ${redecision.reason}`;
  }
}

function confinementText(confinement: Confinement): string {
  switch (confinement.kind) {
    case 'cgroup':
      return `held in the control group ${confinement.cgroup}`;
    case 'pid-namespace':
      return 'held in a PID namespace of its own';
    case 'best-effort':
      return 'held together as far as the machine could';
  }
}

function endText({ cause, status }: EndRecord): string {
  const how = status === null ? 'how its program ended was not seen' : statusText(status);
  if (cause === 'exited') return `the run ended: ${how}`;
  if (cause === 'not-started')
    return 'the run was ended: its launcher could not start its program, and a denial in the log says why';
  return `the run was ended (${cause}); ${how}`;
}

function statusText(status: ExitStatus): string {
  return 'exit' in status
    ? `its program exited with ${status.exit}`
    : `signal ${status.signal} ended its program`;
}
