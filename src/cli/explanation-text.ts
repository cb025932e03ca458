/** An explanation in plain words. */

import type { ExplainedPart, ExplainedPolicy, Explanation } from '../policy/explanation.js';
import type { Paint } from './output.js';

/** So many permits that do not apply are shown, unless all are asked for. */
const maxNearest = 3;
const maxText = 160;

/** The lines of one explanation; `all` shows every policy for the action. */
export function explanationLines(explanation: Explanation, all: boolean, paint: Paint): readonly string[] {
  const { decision, message, principal, action, resource, policies } = explanation;
  return [
    decision === 'allow' ? paint('good', 'allowed') : `${paint('bad', 'denied')}: ${message}`,
    `  who   ${principal}`,
    `  what  ${action} on ${resource}`,
    ...groundLines(explanation, paint),
    ...(all
      ? section('every policy for this action', policies, paint)
      : decision === 'deny'
        ? nearestLines(policies, paint)
        : []),
  ];
}

function groundLines({ ground, policies, determining }: Explanation, paint: Paint): readonly string[] {
  const decisive = policies.filter(({ id }) => determining.includes(id));
  switch (ground) {
    case 'permitted':
      return section('permitted by', decisive, paint);
    case 'forbidden':
      return section('forbidden by', decisive, paint);
    case 'undecided':
      return section(
        'could not be evaluated',
        policies.filter(({ parts }) => parts.some(({ outcome }) => outcome === 'errs')),
        paint,
      );
    case 'unpermitted':
      return [];
  }
}

function nearestLines(policies: readonly ExplainedPolicy[], paint: Paint): readonly string[] {
  const permits = policies.filter(({ effect }) => effect === 'permit');
  const applying = permits.filter(({ applies }) => applies);
  if (applying.length > 0)
    return [`but for that, it would be permitted by ${applying.map(({ id }) => id).join(', ')}`];
  if (permits.length === 0) return ['no policy permits this action at all'];
  const shown = permits.slice(0, maxNearest);
  const more = permits.length - shown.length;
  return [
    ...section('what permits this action, and what is missing', shown, paint),
    ...(more > 0
      ? [paint('faint', `  and ${more} more, which lack as much or more (--all shows them)`)]
      : []),
  ];
}

function section(title: string, policies: readonly ExplainedPolicy[], paint: Paint): readonly string[] {
  if (policies.length === 0) return [];
  return [title, ...policies.flatMap((policy) => policyLines(policy, paint))];
}

function policyLines(
  { id, effect, applies, missing, parts }: ExplainedPolicy,
  paint: Paint,
): readonly string[] {
  const conditions = parts.filter(({ where }) => where !== 'action').length;
  const state = applies ? 'applies' : `does not apply: ${missing} of ${conditions} conditions not met`;
  return [
    `  ${paint('strong', id)} (${effect}, ${state})`,
    ...parts.flatMap((part) => partLines(part, paint)),
  ];
}

const words = { holds: 'holds  ', fails: 'MISSING', unreached: 'not yet', errs: 'FAILED ' } as const;

function partLines(part: ExplainedPart, paint: Paint): readonly string[] {
  const { where, outcome, alternatives } = part;
  if (where === 'action') return [];
  const style = outcome === 'holds' ? 'good' : outcome === 'unreached' ? 'faint' : 'bad';
  const label = where === 'unless' ? 'unless ' : '';
  // Of several alternatives, those that hold are why.
  const holding = outcome === 'holds' ? alternatives.filter((choice) => choice.outcome === 'holds') : [];
  return (holding.length > 0 ? holding : [part]).flatMap(({ text, facts }, at) => [
    `    ${at === 0 ? paint(style, words[outcome]) : '     or'} ${label}${shortened(text)}`,
    ...facts.map(({ name, value }) => paint('faint', `              ${name} = ${shortened(value)}`)),
  ]);
}

function shortened(text: string): string {
  if (text.length <= maxText) return text;
  // The end of a long list is what is asked of it.
  return `${text.slice(0, maxText / 2)} … ${text.slice(text.length - maxText / 2)}`;
}
