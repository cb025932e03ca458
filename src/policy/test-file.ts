/**
 * Tests of a bundle, as its author writes them: `tests/*.toml` beside the policies. Each says who asks for what, and what the
 * answer must be. They are no part of the bundle's digest, because no decision depends on them.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import { z } from 'zod';
import { firstIssue } from '../format/statement.js';
import type { JsonObject } from '../format/strict-json.js';
import { PolicyBundleError } from './bundle-error.js';
import { readBundleText } from './bundle-files.js';
import type { PolicyInput } from './input.js';
import {
  type NamedCallers,
  namedCallersSchema,
  WrittenRequestError,
  writtenInput,
} from './written-request.js';

export const testsDirectory = 'tests';

/** The exact texts of test files, by name. */
export type TestFiles = Readonly<Record<string, string>>;

export interface BundleTest {
  readonly file: string;
  readonly name: string;
  readonly input: PolicyInput;
  readonly expect: 'allow' | 'deny';
  /** Exactly the policies that must determine the decision, sorted; null where the test does not say. */
  readonly by: readonly string[] | null;
}

const maxTestFiles = 256;

const fileSchema = z.strictObject({
  callers: namedCallersSchema.default({}),
  test: z.array(z.record(z.string(), z.json())).min(1),
});

const testSchema = z.looseObject({
  name: z.string().min(1),
  action: z.string().min(1),
  expect: z.enum(['allow', 'deny']),
  by: z.array(z.string().min(1)).optional(),
});

/** Reads the tests beside a bundle; none where it has no directory `tests`. Throws PolicyBundleError. */
export async function readTestFiles(bundleDirectory: string): Promise<TestFiles> {
  const directory = join(bundleDirectory, testsDirectory);
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new PolicyBundleError(directory, 'the directory of the tests cannot be read', 'Make it readable.', {
      cause,
    });
  }
  const chosen = names.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).sort();
  if (chosen.length > maxTestFiles)
    throw new PolicyBundleError(
      directory,
      `there are ${chosen.length} files with tests`,
      `Keep at most ${maxTestFiles}.`,
    );
  const files: [string, string][] = [];
  for (const name of chosen) files.push([name, await readBundleText(directory, name)]);
  return Object.fromEntries(files);
}

/** The tests of all files, in order. Throws PolicyBundleError for what cannot be understood, unknown fields too. */
export function parseTests(place: string, files: TestFiles): readonly BundleTest[] {
  const tests = Object.entries(files).flatMap(([name, text]) =>
    parseFile(join(place, testsDirectory, name), text),
  );
  const names = new Set<string>();
  for (const { file, name } of tests) {
    if (names.has(name)) throw unusable(file, `two tests are called "${name}"`);
    names.add(name);
  }
  return tests;
}

function parseFile(file: string, text: string): readonly BundleTest[] {
  const read = fileSchema.safeParse(parsedToml(file, text));
  if (!read.success) throw unusable(file, firstIssue(read.error));
  const { callers, test } = read.data;
  return test.map((written, at) => parseTest(file, written, callers, at + 1));
}

const requestSchema = z.looseObject({
  callers: namedCallersSchema.default({}),
  action: z.string().min(1),
});

/** A request by itself: the fields of a test without `name`, `expect` and `by`. Throws PolicyBundleError. */
export function parseRequest(file: string, text: string): PolicyInput {
  const read = requestSchema.safeParse(parsedToml(file, text));
  if (!read.success) throw unusable(file, firstIssue(read.error));
  const { action, callers, ...fields } = read.data;
  try {
    return writtenInput(action, fields as JsonObject, callers);
  } catch (cause) {
    if (!(cause instanceof WrittenRequestError)) throw cause;
    throw unusable(file, cause.message);
  }
}

function parsedToml(file: string, text: string): unknown {
  try {
    return parseToml(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [problem = 'not valid TOML'] = cause.message.split('\n');
    throw new PolicyBundleError(file, `line ${cause.line}: ${problem}`, 'Correct the TOML.', {
      cause,
      line: cause.line,
    });
  }
}

function parseTest(file: string, written: JsonObject, callers: NamedCallers, position: number): BundleTest {
  const read = testSchema.safeParse(written);
  const label = typeof written.name === 'string' ? `"${written.name}"` : `number ${position}`;
  if (!read.success) throw unusable(file, `test ${label}: ${firstIssue(read.error)}`);
  const { name, action, expect, by } = read.data;
  const { name: _name, action: _action, expect: _expect, by: _by, ...fields } = written;
  try {
    const input = writtenInput(action, fields, callers);
    return { file, name, input, expect, by: by === undefined ? null : by.toSorted() };
  } catch (cause) {
    if (!(cause instanceof WrittenRequestError)) throw cause;
    throw unusable(file, `test ${label}: ${cause.message}`);
  }
}

function unusable(file: string, problem: string): PolicyBundleError {
  return new PolicyBundleError(file, problem, 'Correct the test; docs/policy-tools.md lists the fields.');
}
