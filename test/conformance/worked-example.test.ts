/** The worked example of docs/formats.md holds: recomputed by openssl, and by the verifier, and for nothing else. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseTrust } from '../../src/format/trust.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';

const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));
const script = join(docs, 'example/recompute.sh');

describe('the worked example', () => {
  test('prints what docs/formats.md shows', async () => {
    const run = spawnSync('sh', [script], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    const page = await readFile(join(docs, 'formats.md'), 'utf8');
    assert.ok(page.includes(`$ sh docs/example/recompute.sh\n${run.stdout}\`\`\``), run.stdout);
  });

  test('is what the verifier finds too', async () => {
    const artifact: unknown = JSON.parse(await readFile(join(docs, 'example/artifact.json'), 'utf8'));
    const trust = parseTrust(JSON.parse(await readFile(join(docs, 'example/trust.json'), 'utf8')));
    const verdict = verify(artifact, trust, offlineSituation(Date.parse('2026-11-21T18:17:00.000Z')));
    assert.equal(verdict.verdict, 'valid');
    const run = spawnSync('sh', [script], { encoding: 'utf8' });
    assert.ok(run.stdout.startsWith(`id ${verdict.artifact?.id}\n`));
  });

  test('fails for a changed artifact', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'writ-example-'));
    const text = await readFile(join(docs, 'example/artifact.json'), 'utf8');
    const changed = join(scratch, 'changed.json');
    await writeFile(changed, text.replace('"payload":"eyJf', '"payload":"eyJg'));
    const run = spawnSync('sh', [script, changed], { encoding: 'utf8' });
    assert.equal(run.status, 1);
    assert.match(run.stdout, /the proof does not hold/);
    await rm(scratch, { recursive: true });
  });
});
