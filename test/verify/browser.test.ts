/** The verifier without Node: bundled for browsers, run where there is no process, no Buffer and no require. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What a page offers, and nothing of Node's. */
const browserGlobals = { TextEncoder, TextDecoder, atob, btoa, URL, crypto: globalThis.crypto };

async function bundle(): Promise<string> {
  const entry = `
    export { verify, verifyBatch } from './verify/verify.js';
    export { parseTrust } from './format/trust.js';
    export { offlineSituation } from './verify/situation.js';`;
  const result = await build({
    stdin: {
      contents: entry,
      resolveDir: fileURLToPath(new URL('../../src/', import.meta.url)),
      loader: 'js',
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'writ',
    platform: 'browser',
    target: 'es2023',
  });
  return result.outputFiles[0]?.text ?? assert.fail('nothing was bundled');
}

describe('the verifier in a browser', () => {
  test('gives the same verdict as in Node, without any of it', async () => {
    const code = await bundle();
    const artifact = await readFile(join(root, 'docs/example/artifact.json'), 'utf8');
    const trust = await readFile(join(root, 'docs/example/trust.json'), 'utf8');
    const context = createContext({ ...browserGlobals, WebAssembly: Reflect.get(globalThis, 'WebAssembly') });
    runInContext(code, context);
    const judge = (text: string, time: string): unknown =>
      JSON.parse(
        runInContext(
          `(() => {
            const verdict = writ.verify(${text}, writ.parseTrust(${trust}), writ.offlineSituation(Date.parse('${time}')));
            return JSON.stringify(verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code));
          })()`,
          context,
        ) as string,
      );
    assert.equal(
      runInContext('typeof process + typeof Buffer + typeof require', context),
      'undefinedundefinedundefined',
    );
    assert.deepEqual(judge(artifact, '2026-11-21T09:42:00.000Z'), []);
    assert.deepEqual(judge(artifact, '2026-11-21T10:42:00.000Z'), ['EXPIRED']);
    assert.deepEqual(
      judge(artifact.replace('"payload":"eyJf', '"payload":"eyJg'), '2026-11-21T09:42:00.000Z'),
      ['MALFORMED'],
    );
    assert.equal(
      runInContext(
        `(() => {
          const artifact = ${artifact};
          const situation = writ.offlineSituation(Date.parse('2026-11-21T09:42:00.000Z'));
          const verdicts = writ.verifyBatch([artifact, {}, artifact], writ.parseTrust(${trust}), situation);
          const alone = writ.verify(artifact, writ.parseTrust(${trust}), situation);
          return verdicts.map((verdict) => verdict.verdict).join() + (JSON.stringify(verdicts[2]) === JSON.stringify(alone));
        })()`,
        context,
      ),
      'valid,denied,validtrue',
    );
  });
});
