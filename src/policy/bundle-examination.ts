/**
 * Everything that is wrong with a bundle at once, for its author: the daemon stops at the first fault, because one is enough
 * to refuse. What is sound here is what the daemon loads: the end of an examination without faults is a load.
 */

import { join } from 'node:path';
import type { BundleFiles } from '../format/bundle-digest.js';
import { bundleOf, type PolicyBundle, readSettings } from './bundle.js';
import { checkBundle } from './bundle-check.js';
import { PolicyBundleError } from './bundle-error.js';
import { policySuffix, readBundleFiles, schemaFile } from './bundle-files.js';
import {
  findPolicies,
  type PlacedPolicy,
  placePolicy,
  policyFaults,
  refuseNamedArtifacts,
  refuseRepeatedIds,
} from './bundle-policies.js';
import { type BundleRemark, bundleRemarks } from './bundle-remarks.js';
import { type Cedar, createCedar } from './cedar.js';

/** `bundle` is there if and only if there are no faults. Remarks are worth reading, and refuse nothing. */
export interface BundleExamination {
  readonly faults: readonly PolicyBundleError[];
  readonly remarks: readonly BundleRemark[];
  readonly bundle: PolicyBundle | null;
}

/** Examines the bundle in a directory. */
export async function examineBundle(directory: string): Promise<BundleExamination> {
  try {
    return examineFiles(directory, await readBundleFiles(directory));
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    return { faults: [cause], remarks: [], bundle: null };
  }
}

function examineFiles(directory: string, files: BundleFiles): BundleExamination {
  const faults: PolicyBundleError[] = [];
  let cedar = createCedar();
  const collect = <Result>(work: (cedar: Cedar) => Result): Result | null => {
    try {
      return work(cedar);
    } catch (cause) {
      if (!(cause instanceof PolicyBundleError)) throw cause;
      faults.push(cause);
      // It may have been a trap.
      cedar = createCedar();
      return null;
    }
  };
  collect(() => readSettings(directory, files));
  const withoutPolicies = Object.entries(files).filter(([name]) => !name.endsWith(policySuffix));
  const schemaHolds = collect(() => checkBundle(directory, Object.fromEntries(withoutPolicies))) !== null;
  const policies: PlacedPolicy[] = [];
  for (const [name, text] of Object.entries(files).filter(([file]) => file.endsWith(policySuffix))) {
    const found = collect((live) => findPolicies(live, join(directory, name), text));
    faults.push(...(found?.faults ?? []));
    for (const policy of found?.policies ?? []) {
      const placed = collect((live) => placePolicy(live, policy));
      if (placed !== null) policies.push(placed);
    }
  }
  for (const policy of policies) collect(() => refuseNamedArtifacts([policy]));
  const idsDiffer = collect(() => refuseRepeatedIds(policies) ?? 'differ') !== null;
  if (schemaHolds && idsDiffer) {
    const schemaPath = join(directory, schemaFile);
    const invalid = collect((live) => policyFaults(live, schemaPath, files[schemaFile] ?? '', policies));
    faults.push(...(invalid ?? []));
  }
  const bundle = faults.length === 0 ? collect(() => bundleOf(directory, files)) : null;
  return { faults, remarks: bundleRemarks(policies), bundle };
}
