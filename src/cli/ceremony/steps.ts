/** The steps of a ceremony, in their order. */

import { identityStep, keysFileStep, trustStep } from './file-steps.js';
import { keyStep } from './key-steps.js';
import type { Plan } from './plan.js';
import { type Step, sharesToken } from './step.js';
import { pinStep, tokenStep } from './token-steps.js';
import { tpmStep } from './tpm-step.js';

export function stepsOf(plan: Plan): readonly Step[] {
  return [
    identityStep,
    tpmStep(plan.tpm),
    pinStep('PINs', plan.token),
    tokenStep('token', plan.token, ({ findings }, found) => {
      findings.token = found;
    }),
    keyStep('log'),
    keyStep('artifact'),
    ...authoritySteps(plan),
    keysFileStep,
    trustStep,
  ];
}

function authoritySteps(plan: Plan): Step[] {
  if (plan.authority === null) return [];
  if (sharesToken(plan)) return [keyStep('policy')];
  return [
    pinStep('PINs of the policy authority', plan.authority),
    tokenStep('token of the policy authority', plan.authority, ({ findings }, found) => {
      findings.authorityToken = found;
    }),
    keyStep('policy'),
  ];
}
