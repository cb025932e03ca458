/** What an artifact says, for people. Everything shown is bounded, and none of it is meant to be parsed. */

import type { Action } from '../format/action.js';
import { displayText } from '../format/exact-text.js';
import type { KeyRecord } from '../format/key-record.js';
import type { ExitStatus, LeaseRecord } from '../format/lease.js';
import type { PendingRecord } from '../format/pending-record.js';
import type { ExecutableFact, GrantPredicate, Scope } from '../format/predicate.js';
import type { LogRecord } from '../format/record.js';
import { targetText } from '../format/revocation.js';
import type { Statement } from '../format/statement.js';
import type { LoggedPayload } from '../verify/payload.js';

const maxTextLength = 160;

/** Label and text of what matters in a statement. */
export function statementRows({ predicateType, predicate }: Statement): (readonly [string, string])[] {
  const { peer, claimed } = predicate.initiator;
  const asker = `uid ${peer.uid}, pid ${peer.pid}, ${executableText(peer.executable)}`;
  const claims = [claimed.agent && `agent ${claimed.agent}`, claimed.user && `user ${claimed.user}`];
  const common: (readonly [string, string])[] = [
    ['asked by', asker],
    ['claims', claims.filter((claim) => claim !== null).join(', ') || 'none'],
    ['log', predicate.attribution.log],
  ];
  if (predicateType === 'urn:writ:denial:v1') {
    const reasons = predicate.denials.map(({ code, message }) => ['reason', `${code}: ${message}`] as const);
    return [['denied', predicate.method], ['at', predicate.time], ...reasons, ...common];
  }
  return [...grantRows(predicate), ...common];
}

/** One line about anything logged, and when it happened. */
export function payloadSummary(payload: LoggedPayload): { readonly time: string; readonly text: string } {
  if (payload.content === 'record') return { time: payload.record.time, text: recordText(payload.record) };
  const { statement } = payload;
  if (statement.predicateType === 'urn:writ:denial:v1') {
    const { predicate } = statement;
    const codes = predicate.denials.map(({ code }) => code).join(' ');
    return { time: predicate.time, text: `${predicate.method}: ${codes}` };
  }
  const { validity, scope } = statement.predicate;
  return { time: validity.notBefore, text: actionText(scope.action) };
}

/** The action on one line, shortened. */
export function actionText(action: Action): string {
  switch (action.type) {
    case 'execute':
      return short(action.argv.map((word) => quoted(displayText(word))).join(' '));
    case 'tool':
      return short(`${action.tool} ${JSON.stringify(action.arguments)}`);
    case 'sign':
      return short(`${action.name} (${action.sizeBytes} bytes)`);
  }
}

/** The beginning of an id, enough to recognise it by. */
export function shortId(id: string): string {
  return `${id.slice(0, 'sha3-512:'.length + 12)}...`;
}

function grantRows({
  scope,
  validity,
  policy,
  lineage,
  governance,
}: GrantPredicate): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [['action', actionText(scope.action)]];
  if (scope.action.type === 'execute') {
    rows.push(['executable', short(displayText(scope.action.executable))]);
    rows.push(['directory', short(displayText(scope.action.cwd))]);
  }
  const use = scope.action.type === 'sign' ? '' : `, ${useText(validity.use)}`;
  rows.push(['valid', `${validity.notBefore} to ${validity.notAfter}${use}`]);
  if (scope.action.type !== 'sign') {
    rows.push(['runs as', redeemerText(scope)]);
    rows.push(['audience', scope.audience ?? 'any']);
  }
  rows.push(['policy', `version ${policy.version}, by ${policy.determining.join(', ') || 'default'}`]);
  if (governance.approvals.length > 0)
    rows.push(['approved by', governance.approvals.map(({ approver }) => approver).join(', ')]);
  if (lineage.parent !== null) rows.push(['parent', `${lineage.parent} (depth ${lineage.depth})`]);
  if (governance.purpose !== null) rows.push(['purpose', short(governance.purpose)]);
  if (governance.ticket !== null) rows.push(['ticket', short(governance.ticket)]);
  return rows;
}

/** A log record in a few words. */
export function recordText(record: LogRecord): string {
  switch (record.type) {
    case 'urn:writ:redemption:v1':
      return `of entry ${record.artifactIndex} by uid ${record.redeemer.uid}`;
    case 'urn:writ:decision:v1':
      return `${record.policy.length} more that led to the denial ${record.denialIndex}`;
    case 'urn:writ:revocation:v1':
      return `of ${targetText(record.target)} (${record.cause})`;
    case 'urn:writ:lease:v1':
      return leaseText(record);
    case 'urn:writ:end:v1':
      return `of the run of entry ${record.leaseIndex}: ${record.cause}${statusText(record.status)}`;
    case 'urn:writ:pending:v1':
      return pendingText(record);
    case 'urn:writ:approval:v1':
      return `of the pending request ${record.approval.pending} by ${record.approval.approver}`;
    case 'urn:writ:policy:v1':
      return `version ${record.version}, bundle ${record.bundle.slice(0, 12)}..., ${signedText(record.authority)}`;
    case 'urn:writ:authority:v1':
      return `statement of the authority ${record.statement.signatures[0]?.keyid ?? 'unknown'}`;
    case 'urn:writ:key:v1':
      return keyText(record);
    case 'urn:writ:start:v1':
      return `daemon ${record.daemon}, version ${record.version}`;
    case 'urn:writ:stop:v1':
      return `daemon ${record.daemon}`;
    case 'urn:writ:snapshot:v1':
      return `of the first ${record.size} entries`;
    case 'urn:writ:quote:v1':
      return `of PCRs ${record.pcrs.map(({ index }) => index).join(', ')} by the key ${record.key.slice(4, 16)}...`;
    case 'urn:writ:anchor:v1':
      return `to the counter value ${record.value} (${record.cause})`;
    case 'urn:writ:status:v1':
      return `over ${record.size} entries: ${record.revoked.length} artifacts and ${record.rules.length} rules revoked`;
    case 'urn:writ:recovery:v1':
      return `by uid ${record.by}: ${short(record.reason)}`;
  }
}

function pendingText(record: PendingRecord): string {
  switch (record.event) {
    case 'open':
      return `demanded for the request ${record.pending}, which waits until ${record.expires}`;
    case 'use':
      return `of the request ${record.pending}, used up by ${record.artifact}`;
  }
}

function signedText(authority: string | null): string {
  return authority === null ? 'signed by nobody' : `signed by ${authority}`;
}

function keyText(record: KeyRecord): string {
  const key = `${record.role} key ${record.publicKey}`;
  switch (record.event) {
    case 'use':
      return `${key}: in use from here on`;
    case 'retire':
      return `${key}: signs no more`;
    case 'compromise':
      return `${key}: compromised, entries ${record.fromIndex} up to ${record.toIndex} are revoked`;
  }
}

function leaseText({ leaseIndex, artifactIndex, until }: LeaseRecord): string {
  const what = leaseIndex === null ? `opens a run of entry ${artifactIndex}` : `renews entry ${leaseIndex}`;
  return `${what}, until ${until}`;
}

function statusText(status: ExitStatus | null): string {
  if (status === null) return '';
  return 'exit' in status ? ` with status ${status.exit}` : ` by signal ${status.signal}`;
}

function redeemerText({ uid, gid, bind }: Scope): string {
  return typeof bind === 'object'
    ? `whoever redeems it with the key ${bind.key}`
    : `uid ${uid}, gid ${gid}; to be redeemed by the same ${bind}`;
}

function executableText(fact: ExecutableFact): string {
  if (fact.source === 'unavailable') return `executable unknown (${fact.reason})`;
  return `${displayText(fact.path)} (${fact.source})`;
}

function useText(use: 'single' | 'lease'): string {
  return use === 'single' ? 'once' : 'under a lease';
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function short(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 3)}...`;
}
