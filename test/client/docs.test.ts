/** docs/protocol.md and docs/cli.md say what the code does: every method, every command, and examples that parse. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandTable } from '../../src/cli/command-table.js';
import { exitCodes } from '../../src/cli/exit-code.js';
import { parseAnswer } from '../../src/client/answer.js';
import { resultSchemas } from '../../src/client/result-schemas.js';
import { parseLine } from '../../src/daemon/pipeline/parse.js';
import { type Method, paramsSchemas, rpcErrorCodes } from '../../src/format/protocol.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { projectRoot } from '../../src/state/locations.js';

const protocol = readFileSync(join(projectRoot, 'docs', 'protocol.md'), 'utf8');
const cli = readFileSync(join(projectRoot, 'docs', 'cli.md'), 'utf8');

/** Fills in the digits that an example leaves out. */
function completed(line: string): Uint8Array {
  const digits = line
    .replace(/"sha256":"([0-9a-f]+)…"/g, (_all, start: string) => `"sha256":"${start.padEnd(64, '0')}"`)
    .replace(
      /"(sha3-512:)?([0-9a-f]+)…"/g,
      (_all, scheme = '', start: string) => `"${scheme}${start.padEnd(128, '0')}"`,
    );
  return utf8Encode(digits);
}

const examples = [...protocol.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) =>
  text.trim().split('\n'),
);

test('every method has a section, and every section is of a method', () => {
  const [, methods = ''] = protocol.split('\n## Methods\n');
  const sections = [...methods.matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections.sort(), Object.keys(paramsSchemas).sort());
});

test('every method has an example, whose request and answer both parse', () => {
  const shown = new Set<Method>();
  for (const [request = '', answer] of examples) {
    if (answer === undefined) continue;
    const asked = parseLine(completed(request));
    assert.ok(asked.outcome === 'request', JSON.stringify(asked));
    const answered = parseAnswer(completed(answer));
    assert.ok(answered.answer === 'result');
    assert.equal(answered.id, asked.request.id);
    const result = resultSchemas[asked.request.method].safeParse(answered.result);
    assert.ok(result.success, `${asked.request.method}: ${result.error?.message}`);
    shown.add(asked.request.method);
  }
  assert.deepEqual([...shown].sort(), Object.keys(paramsSchemas).sort());
});

test('the table of errors names every code that the daemon answers', () => {
  const rows = [...protocol.matchAll(/^\| (-\d+) \| `/gm)].map(([, code]) => Number(code));
  assert.deepEqual(rows.sort(), Object.values(rpcErrorCodes).sort());
  const [single = []] = examples.filter(({ length }) => length === 1);
  const answer = parseAnswer(completed(single[0] ?? ''));
  assert.ok(answer.answer === 'error' && answer.error.code === rpcErrorCodes.methodNotFound);
});

test('every command has a section, and every exit code a row', () => {
  const sections = [...cli.matchAll(/^## writ (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(sections.sort(), commandTable.map(({ path }) => path.join(' ')).sort());
  const rows = [...cli.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
  assert.deepEqual(rows.sort(), Object.values(exitCodes).sort());
});
