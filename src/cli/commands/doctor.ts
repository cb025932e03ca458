/** `writ doctor`: checks a deployment and says what to mend. Exit code 0 unless something failed. */

import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import type { Finding } from '../doctor/finding.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Paint, Style } from '../output.js';

interface Flags {
  readonly log?: boolean;
  readonly login?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option('--log', 'recompute the whole log, as writ log check does')
    .option(
      '--login',
      'log in to the token even if a daemon may hold it or the PIN may be wrong: at most one try',
    )
    .addHelpText('after', examples('writ doctor', 'sudo -u writ writ doctor --log', 'writ doctor --json'));
  act((context) => examineAll(context, command.opts<Flags>()));
};

async function examineAll(context: CliContext, { log, login }: Flags): Promise<ExitCode> {
  const { findDeployment } = await import('../doctor/deployment.js');
  const { examine, tally } = await import('../doctor/examine.js');
  const deployment = await findDeployment(context, { fullLog: log === true, login: login === true });
  const findings = await examine(deployment);
  const counts = tally(findings);
  context.output.result({ counts, findings }, (paint) => [
    ...findings.flatMap((finding) => findingLines(finding, paint)),
    `${counts.failed} failed, ${counts.warning} warnings, ${counts.ok} ok, ${counts.skipped} skipped`,
  ]);
  return counts.failed === 0 ? exitCodes.ok : exitCodes.denied;
}

const styles: Readonly<Record<Finding['outcome'], Style>> = {
  ok: 'good',
  warning: 'strong',
  failed: 'bad',
  skipped: 'faint',
};

function findingLines({ check, outcome, message, remedy }: Finding, paint: Paint): string[] {
  const line = `${paint(styles[outcome], outcome.padEnd(7))}  ${check.padEnd(13)}  ${message}`;
  return remedy === null ? [line] : [line, paint('faint', `${' '.repeat(24)}-> ${remedy}`)];
}
