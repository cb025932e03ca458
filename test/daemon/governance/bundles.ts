/** Policy bundles and documents for tests of activation: the starter bundle with a change. */

import { bundleDigest } from '../../../src/format/bundle-digest.js';
import type { Envelope } from '../../../src/format/dsse.js';
import type { PolicyDocument } from '../../../src/format/policy-document.js';
import type { BundleStatement } from '../../../src/format/policy-statement.js';
import { formatInstant } from '../../../src/format/time.js';
import { readBundleDirectory } from '../../../src/policy/bundle-directory.js';
import { starterDirectory } from '../../policy/facts.js';
import { type AuthorityKey, signed } from '../../verify/policy-statements.js';

const { document: starter } = await readBundleDirectory(starterDirectory);

export interface Changes {
  readonly version: number;
  readonly name?: string;
  /** Further settings, as lines of bundle.toml. */
  readonly settings?: string;
  /** Further policies. */
  readonly policies?: string;
  readonly tests?: Readonly<Record<string, string>>;
}

/** The starter bundle with changes, signed by nobody. */
export function unsignedBundle({
  version,
  name = 'starter',
  settings = '',
  policies = '',
  tests,
}: Changes): PolicyDocument {
  const files = { ...starter.files };
  files['bundle.toml'] = (files['bundle.toml'] ?? '')
    .replace(/^version = .*$/m, `version = ${version}`)
    .replace(/^name = .*$/m, `name = "${name}"`)
    .replace('[settings]', `[settings]\n${settings}`);
  files['starter.cedar'] += policies;
  return { ...starter, files, tests: tests ?? {} };
}

/** The same, signed. */
export function signedBundle(
  changes: Changes,
  key: AuthorityKey,
  chain: readonly Envelope[] = [],
  parts: Partial<BundleStatement> = {},
): PolicyDocument {
  const document = unsignedBundle(changes);
  const statement = signed(
    {
      type: 'urn:writ:policy-bundle:v1',
      bundle: digestOf(document),
      name: changes.name ?? 'starter',
      version: changes.version,
      previous: null,
      time: formatInstant(Date.now()),
      ...parts,
    },
    key,
  );
  return { ...document, statement, chain };
}

export function digestOf({ files }: PolicyDocument): string {
  return bundleDigest(files ?? {});
}

/** Statements about keys alone. */
export function keyStatements(...chain: readonly Envelope[]): PolicyDocument {
  return { type: 'urn:writ:policy-document:v1', files: null, tests: null, statement: null, chain };
}

/** Permits everybody to run one more program. */
export function permitting(id: string, path: string): string {
  return `\n@id("${id}")\npermit (principal, action == Writ::Action::"execute", resource == Writ::Command::"${path}");\n`;
}

/** Forbids everybody to run a program. */
export function forbidding(id: string, path: string): string {
  return `\n@id("${id}")\nforbid (principal, action == Writ::Action::"execute", resource == Writ::Command::"${path}");\n`;
}
