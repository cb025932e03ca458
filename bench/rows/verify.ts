/** Offline verification (bench/verify.ts) as a section of the report. */

import type { Section } from '../report/model.js';
import { benchVerify } from '../verify.js';

export async function verify(quick: boolean): Promise<Section> {
  const rows = benchVerify({ quick });
  return {
    name: 'verify',
    title: 'offline verification of whole artifacts, in one thread',
    method: [
      'Each artifact is parsed, digested, and proven to lie under a checkpoint whose signature verifies; every round starts with an empty context.',
      'A bare verification is one call of node:crypto over the text of a checkpoint, before and after in each round.',
    ],
    rows: rows.map(({ name, artifactCount, artifactUs, signatureUs, ratio, target }) => ({
      name: `${name}: ${artifactCount.toLocaleString('en')}`,
      unit: 'us each',
      figure: artifactUs,
      comparisons: [
        {
          baseline: 'the rate of bare Ed25519 verifications',
          baselineFigure: signatureUs,
          ratio,
          goal: target === undefined ? null : { kind: 'at-least', ratio: target },
        },
      ],
      notes: [],
      details: {},
    })),
    plots: [],
    remarks: [],
    faults: [],
  };
}
