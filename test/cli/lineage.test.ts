import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawTree } from '../../src/cli/commands/lineage.js';
import type { LineageNode } from '../../src/format/protocol.js';

const id = (name: string) => `sha3-512:${name}` as const;

function node(name: string, parent: string | null, state: LineageNode['state']): LineageNode {
  const depth = parent === null ? 0 : 1;
  return {
    id: id(name),
    index: 1,
    parent: parent === null ? null : id(parent),
    depth,
    subject: name,
    notAfter: 'T',
    state,
  };
}

test('a lineage is drawn as a tree, and the artifact that was asked for is marked', () => {
  const nodes = [
    node('build', null, 'redeemed'),
    node('compile', 'build', 'expired'),
    node('link', 'compile', 'revoked'),
    node('test', 'build', 'issued'),
  ];
  assert.deepEqual(
    drawTree(nodes, id('link'), (_style, text) => text),
    [
      'build  redeemed  until T, log index 1',
      '|-- compile  expired  until T, log index 1',
      '|   `-- link  revoked  until T, log index 1 <- this one',
      '`-- test  issued  until T, log index 1',
    ],
  );
});
