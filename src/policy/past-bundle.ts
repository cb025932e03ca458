/**
 * Bundles that were in force once, made ready to decide again. They were found sound then; by today's standard they may not be,
 * because what the daemon presents grows. So nothing is asked of them but that Cedar can read them.
 */

import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { type BundleFiles, bundleDigest } from '../format/bundle-digest.js';
import { parseEntities } from './bundle-check.js';
import { PolicyBundleError } from './bundle-error.js';
import { entitiesFile, policySuffix, schemaFile, settingsFile } from './bundle-files.js';
import { type PlacedPolicy, readPolicies, refuseRepeatedIds } from './bundle-policies.js';
import { createCedar } from './cedar.js';
import type { DecidingBundle } from './engine.js';
import { readableTags } from './readable-tags.js';

export interface PastBundle extends DecidingBundle {
  readonly placed: readonly PlacedPolicy[];
}

const namedSchema = z.looseObject({ name: z.string() });

/** What of these files decides; `place` is what messages put before their names. Throws PolicyBundleError. */
export function pastBundle(place: string, files: BundleFiles): PastBundle {
  const cedar = createCedar();
  const placed = Object.entries(files)
    .filter(([name]) => name.endsWith(policySuffix))
    .flatMap(([name, text]) => readPolicies(cedar, join(place, name), text));
  refuseRepeatedIds(placed);
  return {
    name: nameOf(join(place, settingsFile), files[settingsFile] ?? ''),
    digest: bundleDigest(files),
    policies: Object.fromEntries(placed.map(({ id, text }) => [id, text])),
    schema: files[schemaFile] ?? '',
    entities: parseEntities(join(place, entitiesFile), files[entitiesFile] ?? ''),
    // An input has the time in it or not; whoever decides again remembers by inputs.
    needsTime: true,
    readableTags: readableTags(placed.map(({ json }) => json)),
    approvalDemands: new Map(),
    placed,
  };
}

function nameOf(file: string, text: string): string {
  try {
    return namedSchema.parse(parseToml(text)).name;
  } catch (cause) {
    throw new PolicyBundleError(file, 'it does not name the bundle', 'Correct it.', { cause });
  }
}
