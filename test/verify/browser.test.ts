/** The verifier without Node: bundled for browsers, run where there is no process, no Buffer and no require. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import type { QuoteRecord } from '../../src/format/quote.js';
import { attestationOf, citing, proven, quoteIndex, quoteRecord, trustDocument } from './quoted-artifact.js';
import { TestLog } from './sealed-artifact.js';
import { ToolTpm } from './tool-tpm.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What a page offers, and nothing of Node's. */
const browserGlobals = { TextEncoder, TextDecoder, atob, btoa, URL, crypto: globalThis.crypto };

async function bundle(): Promise<string> {
  const entry = `
    export { verify, verifyBatch } from './verify/verify.js';
    export { proveQuote } from './verify/quote.js';
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
    assert.deepEqual(judge(artifact, '2026-11-21T18:17:00.000Z'), []);
    assert.deepEqual(judge(artifact, '2026-11-21T19:17:00.000Z'), ['EXPIRED']);
    assert.deepEqual(
      judge(artifact.replace('"payload":"eyJf', '"payload":"eyJg'), '2026-11-21T18:17:00.000Z'),
      ['MALFORMED'],
    );
    assert.equal(
      runInContext(
        `(() => {
          const artifact = ${artifact};
          const situation = writ.offlineSituation(Date.parse('2026-11-21T18:17:00.000Z'));
          const verdicts = writ.verifyBatch([artifact, {}, artifact], writ.parseTrust(${trust}), situation);
          const alone = writ.verify(artifact, writ.parseTrust(${trust}), situation);
          return verdicts.map((verdict) => verdict.verdict).join() + (JSON.stringify(verdicts[2]) === JSON.stringify(alone));
        })()`,
        context,
      ),
      'valid,denied,validtrue',
    );
  });

  test("proves a quote of a TPM, without the platform's ECDSA", async () => {
    const tpm = await ToolTpm.start();
    try {
      const log = new TestLog();
      const key = tpm.createKey();
      const record = quoteRecord(tpm, key, log);
      const context = createContext({
        ...browserGlobals,
        WebAssembly: Reflect.get(globalThis, 'WebAssembly'),
      });
      runInContext(await bundle(), context);
      const trust = JSON.stringify(trustDocument(log, attestationOf(record, key)));
      const judge = (quote: QuoteRecord): unknown => {
        const artifact = JSON.stringify(log.sealStatement(citing(proven(quote))));
        const envelope = JSON.stringify(log.sealRecord(quote, quoteIndex));
        const code = `(() => {
          const trust = writ.parseTrust(${trust});
          const { quote } = writ.proveQuote(${envelope}, trust);
          const situation = { ...writ.offlineSituation(Date.parse('2026-01-01T00:01:00.000Z')), quote };
          const { verdict, denials = [] } = writ.verify(${artifact}, trust, situation);
          return [verdict, ...denials.map(({ message }) => message)].join('; ');
        })()`;
        return runInContext(code, context);
      };
      assert.equal(judge(record), 'valid');
      const damaged = base64Decode(record.signature);
      damaged[60] = (damaged[60] ?? 0) ^ 1;
      const signature = base64Encode(damaged);
      assert.match(
        String(judge({ ...record, signature })),
        /^denied; .*its signature is not of the attestation key/,
      );
    } finally {
      await tpm.stop();
    }
  });
});
