/** Tells an evidence pack's story in plain words, one sentence for each thing that the log proves. */

import { displayText } from '../../format/exact-text.js';
import type { Confinement, EndRecord, ExitStatus, LeaseRecord } from '../../format/lease.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { Statement } from '../../format/statement.js';
import type { Chapter, Story } from '../../verify/evidence.js';
import { actionText } from '../statement-text.js';
import type { Redecision } from './redecide.js';

/** What happened, in the order of the log; ancestors first. `redecisions` belong to the chapters by position. */
export function storyLines(
  { chapters, size, unrelated }: Story,
  redecisions: readonly Redecision[],
): string[] {
  const told = chapters.map((chapter, position) => chapterLines(chapter, redecisions[position]));
  const ancestors = told.length - 1;
  return [
    ...told
      .toReversed()
      .flatMap((lines, position) => [
        position < ancestors ? `ancestor ${ancestors - position}` : 'the decision',
        ...lines.map((line) => `  ${line}`),
      ]),
    `all of it lies in a tree of ${size} entries that the log has signed`,
    ...(unrelated === 0 ? [] : [`${unrelated} entries of the file have nothing to do with it`]),
  ];
}

function chapterLines(chapter: Chapter, redecision: Redecision | undefined): string[] {
  const { decision, activation, quote, redemption, leases, end, revocations } = chapter;
  const { statement, index } = decision;
  const lines: string[] = [];
  const { peer } = statement.predicate.initiator;
  const program =
    peer.executable.source === 'unavailable' ? 'an unknown program' : displayText(peer.executable.path);
  const asker = `user ${peer.uid} (process ${peer.pid}, ${program})`;
  if (activation !== null)
    lines.push(
      `entry ${activation.index}, ${activation.record.time}: version ${activation.record.version} of the policy came into force, ${signedText(activation.record.authority)}`,
    );
  if (quote !== null)
    lines.push(`entry ${quote.index}, ${quote.record.time}: the TPM vouched for the state of the machine`);
  if (statement.predicateType === 'urn:writ:denial:v1') {
    const { predicate } = statement;
    lines.push(`entry ${index}, ${predicate.time}: ${asker} was denied ${predicate.method}`);
    for (const { code, message } of predicate.denials) lines.push(`  ${code}: ${message}`);
  } else lines.push(...grantLines(index, asker, statement.predicate));
  if (redecision !== undefined) lines.push(redecisionLine(redecision));
  if (redemption !== null)
    lines.push(
      `entry ${redemption.index}, ${redemption.record.time}: user ${redemption.record.redeemer.uid} redeemed it`,
    );
  const [opened] = leases;
  const newest = leases.at(-1);
  if (opened !== undefined)
    lines.push(
      `entry ${opened.index}, ${opened.record.time}: it began to run as process ${opened.record.process.pid}, ${confinementText(opened.record.confinement)}; ` +
        descendText(statement, opened.record),
    );
  if (newest !== undefined && newest !== opened)
    lines.push(
      `entry ${newest.index}, ${newest.record.time}: its lease was renewed until ${newest.record.until}`,
    );
  if (end !== null) lines.push(`entry ${end.index}, ${end.record.time}: ${endText(end.record)}`);
  for (const { index: at, record } of revocations)
    lines.push(`entry ${at}, ${record.time}: it was revoked (${record.cause}) by ${byText(record.by)}`);
  return lines;
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
  return cause === 'exited' ? `the run ended: ${how}` : `the run was ended (${cause}); ${how}`;
}

function statusText(status: ExitStatus): string {
  return 'exit' in status
    ? `its program exited with ${status.exit}`
    : `signal ${status.signal} ended its program`;
}
