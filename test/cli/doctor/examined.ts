/** A deployment as the doctor finds it, and what its checks say of one matter. */

import { type Deployment, type DoctorOptions, findDeployment } from '../../../src/cli/doctor/deployment.js';
import type { CheckName, Finding, Outcome } from '../../../src/cli/doctor/finding.js';

export interface Circumstances {
  readonly environment?: Readonly<Record<string, string>>;
  readonly options?: Partial<DoctorOptions>;
}

/** The deployment whose state lies in `home`, looked at by this process. */
export function deploymentAt(home: string, circumstances: Circumstances = {}): Promise<Deployment> {
  const { environment = {}, options = {} } = circumstances;
  return findDeployment(
    { flags: {}, environment: { WRIT_HOME: home, ...environment }, version: '1.2.3' },
    { fullLog: false, login: false, ...options },
  );
}

/** The outcomes of one check, in order. */
export function outcomesOf(findings: readonly Finding[], check: CheckName): readonly Outcome[] {
  return findings.filter((finding) => finding.check === check).map(({ outcome }) => outcome);
}

/** Every sentence of one outcome, with what to do. */
export function textOf(findings: readonly Finding[], outcome: Outcome): string {
  return findings
    .filter((finding) => finding.outcome === outcome)
    .map(({ message, remedy }) => `${message} -> ${remedy}`)
    .join('\n');
}
