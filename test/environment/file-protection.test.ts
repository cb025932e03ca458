// Which files count as changeable by root alone: a table of owners, modes and mounts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type FileProtection,
  fileProtection,
  type ProtectionFacts,
} from '../../src/environment/file-protection.js';

const ext4 = { type: 0xef53, nosuid: false };
const fuse = { type: 0x65735546, nosuid: false };
const overlay = { type: 0x794c7630, nosuid: false };
const systemFile: ProtectionFacts = {
  ownerUid: 0n,
  mode: 0o100755n,
  device: 2n,
  rootDevice: 1n,
  fileSystem: ext4,
};

describe('fileProtection', () => {
  const cases: readonly (readonly [string, Partial<ProtectionFacts>, FileProtection])[] = [
    ["a system's program", {}, 'root-only'],
    ['a set-user-ID program', { mode: 0o104755n }, 'root-only'],
    ['a program that its group may write', { mode: 0o100775n }, 'changeable'],
    ['a program that all may write', { mode: 0o100757n }, 'changeable'],
    [
      'a program that a user owns, though without the right to write',
      { ownerUid: 1000n, mode: 0o100555n },
      'changeable',
    ],
    ['a program on a mount without set-user-ID', { fileSystem: { ...ext4, nosuid: true } }, 'changeable'],
    ['a program on FUSE', { fileSystem: fuse }, 'changeable'],
    ['a program on an overlay', { fileSystem: overlay }, 'changeable'],
    ["a program on a container's own overlay", { fileSystem: overlay, device: 1n }, 'root-only'],
    ["a user's program on the root device", { ownerUid: 1000n, device: 1n }, 'changeable'],
  ];
  for (const [name, facts, expected] of cases) {
    it(`judges ${name}: ${expected}`, () => {
      assert.equal(fileProtection({ ...systemFile, ...facts }), expected);
    });
  }
});
