/** Checks of what an operator writes: the configuration file, and the policy bundle that it names. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type BundleReport, parseBundleReport } from '../../policy/bundle-report.js';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';

export function checkConfiguration({ configuration, locations }: Deployment): Finding[] {
  const { ok, failed } = verdictsOf('configuration');
  switch (configuration.read) {
    case 'yes': {
      const file = configuration.file ?? 'no file: every setting has its default';
      return [ok(`${file}; state ${locations.stateDirectory}, socket ${locations.socketPath}`)];
    }
    case 'no':
      return [
        failed(
          configuration.problem,
          `Correct it; docs/configuration.md lists every key. Until then the state is taken to be in ${locations.stateDirectory}.`,
        ),
      ];
  }
}

/** Loads the bundle as the daemon would, in a process of its own, and compares it with the one that is in force. */
export async function checkPolicy({ configuration, daemon }: Deployment): Promise<Finding[]> {
  const { ok, skipped, warning, failed } = verdictsOf('policy');
  if (configuration.read === 'no')
    return [skipped('which bundle is meant is not known without the configuration')];
  const { policyDirectory } = configuration.config;
  const report = await reportOn(policyDirectory);
  if (report.bundle === 'unsound') return [failed(report.problem, report.remedy)];
  const { name, version, digest } = report;
  const text = `bundle ${name} version ${version} in ${policyDirectory}`;
  if (daemon.daemon !== 'answers' || daemon.status.policy.bundle === digest) return [ok(`${text} is sound`)];
  return [
    warning(
      `${text} is sound, but the daemon decides by another one (version ${daemon.status.policy.version})`,
      'If the one on disk is meant, put it in force: writ policy activate.',
    ),
  ];
}

const reportTimeoutMs = 60_000;

async function reportOn(directory: string): Promise<BundleReport> {
  const child = fork(fileURLToPath(new URL('../../policy/report-main.js', import.meta.url)), [], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    timeout: reportTimeoutMs,
    killSignal: 'SIGKILL',
  });
  const answers: (BundleReport | null)[] = [];
  child.on('message', (message) => answers.push(parseBundleReport(message)));
  child.send(directory, (error) => {
    if (error !== null) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const [report = null] = answers;
  return (
    report ?? {
      bundle: 'unsound',
      problem: `the process that loaded the policy bundle in ${directory} ended without an answer`,
      remedy: 'writd --check-config loads the same bundle and says more.',
    }
  );
}
