// The core that runs is the one that was reviewed: its bytes have the committed digest, and it can reach
// nothing outside itself.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { coreModule } from '../../src/hash/core-module.js';

const COMMITTED = new URL('../../../wasm/core.sha256', import.meta.url);

/** The ids of a WASM module's sections, in their order (WebAssembly core specification, section 5.5). */
function sectionIds(module: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < module.length; ) {
    ids.push(module[at] ?? assert.fail('a section without an id'));
    at += 1;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at] ?? assert.fail('a section without a size');
      at += 1;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return ids;
}

describe('the hash core', () => {
  it('has the digest that wasm/core.sha256 names', () => {
    const digest = createHash('sha256').update(coreModule).digest('hex');
    assert.equal(`${digest}\n`, readFileSync(COMMITTED, 'utf8'));
  });

  it('imports nothing and brings no section that nobody needs', () => {
    const IMPORTS = 2;
    const CUSTOM = 0;
    const ids = sectionIds(coreModule);
    assert.ok(ids.length >= 5, `only sections ${ids.join(', ')}`);
    assert.ok(!ids.includes(IMPORTS), 'it has imports');
    assert.ok(!ids.includes(CUSTOM), 'it has custom sections');
  });
});
