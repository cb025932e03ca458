import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawTree } from '../../src/cli/commands/lineage.js';
import type { LineageNode } from '../../src/format/lineage-node.js';

const id = (name: string) => `sha3-512:${name}` as const;

function node(
  name: string,
  parent: string | null,
  state: LineageNode['state'],
  changes: Partial<LineageNode> = {},
): LineageNode {
  return {
    id: id(name),
    index: 1,
    parent: parent === null ? null : id(parent),
    depth: parent === null ? 0 : 1,
    basis: parent === null ? 'none' : 'observed',
    subject: name,
    notAfter: 'T',
    state,
    end: null,
    revocation: null,
    ...changes,
  };
}

const withdrawn = { through: 'itself', rule: null, cause: 'withdrawn', by: 1000 } as const;
const revoked = { through: 'parent', rule: null, cause: null, by: null } as const;
const ruled = { through: 'rule', rule: 'uid 1000', cause: 'compromised', by: null } as const;

test('a lineage is drawn as a tree with state and cause, and the artifact that was asked for is marked', () => {
  const nodes = [
    node('build', null, 'running'),
    node('compile', 'build', 'ended', { end: { cause: 'exited', status: { exit: 3 } } }),
    node('link', 'compile', 'revoked', {
      revocation: withdrawn,
      end: { cause: 'revoked', status: { signal: 9 } },
    }),
    node('strip', 'link', 'revoked', { revocation: revoked }),
    node('test', 'build', 'issued', { basis: 'named' }),
    node('pack', 'build', 'revoked', { revocation: ruled, end: { cause: 'daemon-gone', status: null } }),
  ];
  assert.deepEqual(
    drawTree(nodes, id('link'), (_style, text) => text),
    [
      'build  running  until T, log index 1',
      '|-- compile  ended (run ended: exited, status 3)  observed, until T, log index 1',
      '|   `-- link  revoked (withdrawn by uid 1000; run ended: revoked, signal 9)  observed, until T, log index 1 <- this one',
      '|       `-- strip  revoked (with its parent)  observed, until T, log index 1',
      '|-- test  issued  named, until T, log index 1',
      '`-- pack  revoked (compromised as uid 1000; run ended: daemon-gone)  observed, until T, log index 1',
    ],
  );
});
