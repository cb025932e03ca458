/** `writ lineage`: the tree of authorizations that an artifact belongs to, with what became of each. */

import type { LineageNode } from '../../format/lineage-node.js';
import { showDenied, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Paint, Style } from '../output.js';

export const define: Define = (command, act) => {
  command
    .argument('<artifact>', 'the id of any artifact of the tree, or the file that holds it')
    .addHelpText('after', examples('writ lineage artifact.json', 'writ lineage sha3-512:... --json'));
  act((context) => lineage(context, command.args[0] ?? ''));
};

async function lineage(context: CliContext, word: string): Promise<ExitCode> {
  const { artifactIdFrom } = await import('../artifact-file.js');
  const id = await artifactIdFrom(word);
  const result = await withDaemon(context, (client) => client.lineage({ id }));
  if (result.decision === 'deny') return showDenied(context, result);
  context.output.result(result, (paint) => drawTree(result.nodes, id, paint));
  return exitCodes.ok;
}

const stateStyles: Readonly<Record<LineageNode['state'], Style>> = {
  issued: 'good',
  redeemed: 'good',
  running: 'good',
  ended: 'faint',
  revoked: 'bad',
  expired: 'faint',
};

/** Draws nodes that are listed root first, each parent before its children; marks the one that was asked for. */
export function drawTree(nodes: readonly LineageNode[], asked: string, paint: Paint): string[] {
  const childrenOf = (parent: LineageNode) => nodes.filter((node) => node.parent === parent.id);
  const draw = (node: LineageNode, lead: string, below: string): string[] => {
    const mark = node.id === asked ? paint('strong', ' <- this one') : '';
    const state = [paint(stateStyles[node.state], node.state), ...fateWords(node)].join(' ');
    const place = `${basisText(node)}until ${node.notAfter}, log index ${node.index}`;
    const children = childrenOf(node);
    return [
      `${lead}${node.subject}  ${state}  ${paint('faint', place)}${mark}`,
      ...children.flatMap((child, position) => {
        const last = position === children.length - 1;
        return draw(child, `${below}${last ? '`-- ' : '|-- '}`, `${below}${last ? '    ' : '|   '}`);
      }),
    ];
  };
  const [root] = nodes;
  return root === undefined ? [] : draw(root, '', '');
}

/** Why it is in the state that it is in. */
function fateWords({ revocation, end }: LineageNode): string[] {
  const reasons = [
    ...(revocation === null ? [] : [revocationText(revocation)]),
    ...(end === null ? [] : [`run ended: ${end.cause}${statusText(end.status)}`]),
  ];
  return reasons.length === 0 ? [] : [`(${reasons.join('; ')})`];
}

function revocationText({ through, rule, cause, by }: NonNullable<LineageNode['revocation']>): string {
  if (through === 'parent') return 'with its parent';
  const who = by === null ? [] : [`by uid ${by}`];
  const what = rule === null ? [] : [`as ${rule}`];
  return [cause ?? 'revoked', ...who, ...what].join(' ');
}

function statusText(status: NonNullable<LineageNode['end']>['status']): string {
  if (status === null) return '';
  return 'exit' in status ? `, status ${status.exit}` : `, signal ${status.signal}`;
}

function basisText({ basis }: LineageNode): string {
  return basis === 'none' ? '' : `${basis}, `;
}
