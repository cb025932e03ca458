/** `writ status`: how the daemon is. Exit code 0 when it is ready, 3 when it is degraded or does not answer. */

import type { StatusResult } from '../../format/protocol.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';
import { tpmStatusRows } from '../tpm-text.js';

export const define: Define = (command, act) => {
  command.addHelpText('after', examples('writ status', 'writ status --json'));
  act(showStatus);
};

async function showStatus(context: CliContext): Promise<ExitCode> {
  const status = await withDaemon(context, (client) => client.status());
  const { socketPath } = context.locations;
  context.output.result(status, (paint) => statusLines(status, socketPath, paint));
  return status.state === 'ready' ? exitCodes.ok : exitCodes.unavailable;
}

function generationText(vmGeneration: StatusResult['vmGeneration']): string {
  switch (vmGeneration) {
    case 'watched':
      return 'watched: a virtual machine that is taken back while the daemon runs is noticed';
    case 'unavailable':
      return 'unavailable: whether a virtual machine is taken back while the daemon runs is not noticed';
  }
}

function statusLines(status: StatusResult, socketPath: string, paint: Paint): string[] {
  const { log, policy, counters } = status;
  const troubles = status.troubles.flatMap(({ code, message, remedy }) => [
    `  ${paint('strong', code)}  ${message}`,
    `    ${paint('faint', `-> ${remedy}`)}`,
  ]);
  return [
    paint(status.state === 'ready' ? 'good' : 'bad', status.state),
    ...troubles,
    ...columns([
      ['daemon', `${status.daemon}, version ${status.version}, since ${status.startedAt}`],
      ['socket', socketPath],
      ['log', log.origin],
      ['log key', log.vkey],
      [
        'entries',
        `${log.size}: ${log.sealedSize} sealed, ${log.publishedSize} published, ${log.waitingEntries} waiting`,
      ],
      ['artifact key', status.artifactKey],
      ['signer', status.signer],
      ...tpmStatusRows(status.tpm),
      ['vm generation', generationText(status.vmGeneration)],
      ['policy', `version ${policy.version}, bundle ${policy.bundle.slice(0, 16)}...`],
    ]),
    ...Object.entries(counters).map(([name, count]) => paint('faint', `  ${name} ${count}`)),
  ];
}
