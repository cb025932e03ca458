/**
 * What changed between two bundles, by meaning rather than by lines: policies by their ids wherever they stand, settings, roles
 * and groups, and what the schema knows. Neither bundle need be sound.
 */

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import type { BundleFiles } from '../format/bundle-digest.js';
import { PolicyBundleError } from './bundle-error.js';
import { approversFile, entitiesFile, policySuffix, schemaFile, settingsFile } from './bundle-files.js';
import { isExact, type PlacedPolicy, readPolicies, refuseRepeatedIds } from './bundle-policies.js';
import { createCedar } from './cedar.js';
import { schemaFacts } from './schema-facts.js';

/** One thing with its text before and after; null where it was not there, or is not any more. */
export interface Change {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Each list by name. Policies that only moved or were only laid out anew are in none. */
export interface BundleDiff {
  readonly policies: readonly Change[];
  readonly settings: readonly Change[];
  readonly entities: readonly Change[];
  readonly schema: readonly Change[];
  readonly approvers: readonly Change[];
}

/** One bundle's files, and what messages put before their names. */
export interface PlacedFiles {
  readonly place: string;
  readonly files: BundleFiles;
}

/** Compares two bundles. Throws PolicyBundleError for a file that cannot be read as what it is. */
export function diffBundles(older: PlacedFiles, newer: PlacedFiles): BundleDiff {
  return {
    policies: changedPolicies(policiesOf(older), policiesOf(newer)),
    settings: changes(tomlFacts(older, settingsFile), tomlFacts(newer, settingsFile)),
    entities: changes(entityFacts(older), entityFacts(newer)),
    schema: changes(schemaOf(older), schemaOf(newer)),
    approvers: changes(tomlFacts(older, approversFile), tomlFacts(newer, approversFile)),
  };
}

type Facts = ReadonlyMap<string, string>;

function changes(before: Facts, after: Facts): readonly Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .map((name) => ({ name, before: before.get(name) ?? null, after: after.get(name) ?? null }))
    .filter((change) => change.before !== change.after);
}

function changedPolicies(before: readonly PlacedPolicy[], after: readonly PlacedPolicy[]): readonly Change[] {
  const [older, newer] = [byId(before), byId(after)];
  const names = [...new Set([...older.keys(), ...newer.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [older.get(name), newer.get(name)];
    if (was !== undefined && is !== undefined && meansTheSame(was, is)) return [];
    return [{ name, before: was?.text ?? null, after: is?.text ?? null }];
  });
}

function byId(policies: readonly PlacedPolicy[]): ReadonlyMap<string, PlacedPolicy> {
  return new Map(policies.map((policy) => [policy.id, policy]));
}

function meansTheSame(one: PlacedPolicy, other: PlacedPolicy): boolean {
  return one.text === other.text || (isExact(one.json) && isDeepStrictEqual(one.json, other.json));
}

function policiesOf({ place, files }: PlacedFiles): readonly PlacedPolicy[] {
  const cedar = createCedar();
  const policies = Object.entries(files)
    .filter(([name]) => name.endsWith(policySuffix))
    .flatMap(([name, text]) => readPolicies(cedar, join(place, name), text));
  refuseRepeatedIds(policies);
  return policies;
}

function schemaOf({ place, files }: PlacedFiles): Facts {
  return schemaFacts(createCedar(), join(place, schemaFile), files[schemaFile] ?? '');
}

function entityFacts({ place, files }: PlacedFiles): Facts {
  const document = parsed(
    join(place, entitiesFile),
    () => JSON.parse(files[entitiesFile] ?? '[]') as unknown,
  );
  const list: readonly unknown[] = Array.isArray(document) ? document : [document];
  return new Map(
    list.map((entity) => {
      const { uid, parents } = entity as {
        readonly uid?: Reference;
        readonly parents?: readonly Reference[];
      };
      const groups = (parents ?? []).map(referenceText).sort();
      return [referenceText(uid), groups.length === 0 ? 'in nothing' : `in ${groups.join(', ')}`];
    }),
  );
}

interface Reference {
  readonly type?: string;
  readonly id?: string;
}

function referenceText(reference: Reference | undefined): string {
  return `${reference?.type ?? '?'}::${JSON.stringify(reference?.id ?? '?')}`;
}

/** Every value of a TOML file by its whole name. */
function tomlFacts({ place, files }: PlacedFiles, name: string): Facts {
  const text = files[name];
  const facts = new Map<string, string>();
  if (text === undefined) return facts;
  collect(
    parsed(join(place, name), () => parseToml(text)),
    '',
    facts,
  );
  return facts;
}

function collect(value: unknown, name: string, facts: Map<string, string>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    facts.set(name, JSON.stringify(value));
    return;
  }
  for (const [key, item] of Object.entries(value)) collect(item, name === '' ? key : `${name}.${key}`, facts);
}

function parsed<Document>(file: string, parse: () => Document): Document {
  try {
    return parse();
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new PolicyBundleError(file, problem, 'Correct the file.', { cause });
  }
}
