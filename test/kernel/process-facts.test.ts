// What a glance at a real process shows, when there is none, and what becomes of texts that the kernel never wrote.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { fileIdentity } from '../../src/environment/file-identity.js';
import { nativeAddon } from '../../src/kernel/addon.js';
import { namespaceKinds, readCgroup, readNamespace } from '../../src/kernel/process.js';
import { glanceAtProcess, parseProcessFacts } from '../../src/kernel/process-facts.js';
import { PeerServer, peerActs, tellToAct } from '../identity/socket-peers.js';

const skip = nativeAddon().supportsPeerPidfd() ? false : 'this kernel gives no pidfd of a peer';

let server: PeerServer;
beforeEach(async () => {
  server = new PeerServer();
  await server.listen();
});
afterEach(() => server.close());

const extraSets = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
  workingDirectory: (bits & 1) !== 0,
  environment: (bits & 2) !== 0,
  commandLine: (bits & 4) !== 0,
}));

async function peerWithPidfd(act: string) {
  const peer = await server.accept(act);
  const pidfd = nativeAddon().connectedPeer(peer.descriptor, true).pidfd;
  assert.ok(pidfd !== null);
  return { ...peer, pidfd };
}

describe('glanceAtProcess', { skip }, () => {
  it('shows what the single reads show', async () => {
    const { pid, pidfd } = await peerWithPidfd('');
    const glance = glanceAtProcess(pid, pidfd);
    assert.equal(glanceAtProcess(pid, pidfd), glance);
    nativeAddon().closeFd(pidfd);
    const python = realpathSync('/usr/bin/python3');
    assert.deepEqual(parseProcessFacts(glance ?? ''), {
      executableIdentity: fileIdentity(statSync(python, { bigint: true })),
      executablePath: Buffer.from(python),
      cgroup: readCgroup(pid),
      namespaces: Object.fromEntries(namespaceKinds.map((kind) => [kind, readNamespace(pid, kind)])),
      extras: {
        workingDirectory: { outcome: 'unasked' },
        environment: { outcome: 'unasked' },
        commandLine: { outcome: 'unasked' },
      },
    });
  });

  it('shows another text once the process executes another program', async () => {
    const peer = await peerWithPidfd(peerActs.execSleep);
    const before = glanceAtProcess(peer.pid, peer.pidfd);
    tellToAct(peer);
    let after = before;
    for (let tries = 0; after === before && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      after = glanceAtProcess(peer.pid, peer.pidfd);
    }
    nativeAddon().closeFd(peer.pidfd);
    const path = parseProcessFacts(after ?? '')?.executablePath;
    assert.equal(String(path), realpathSync('/bin/sleep'));
  });

  it('shows what else is asked for, and nothing else', async () => {
    const { pid, pidfd } = await peerWithPidfd('');
    const read = (name: string) => ({ outcome: 'read', bytes: readFileSync(`/proc/${pid}/${name}`) });
    const unasked = { outcome: 'unasked' };
    const expected = {
      workingDirectory: { outcome: 'read', bytes: Buffer.from('/') },
      environment: read('environ'),
      commandLine: read('cmdline'),
    };
    assert.ok(expected.commandLine.bytes.includes(0), 'this tests texts that hold NULs');
    for (const asked of extraSets) {
      const facts = parseProcessFacts(glanceAtProcess(pid, pidfd, asked) ?? '', asked);
      assert.deepEqual(facts?.extras, {
        workingDirectory: asked.workingDirectory ? expected.workingDirectory : unasked,
        environment: asked.environment ? expected.environment : unasked,
        commandLine: asked.commandLine ? expected.commandLine : unasked,
      });
    }
    nativeAddon().closeFd(pidfd);
  });

  it('tells why it cannot show more, and shows the rest', async () => {
    // An environment larger than is read.
    const peer = await server.accept('', {
      launcher: [
        '/usr/bin/env',
        `LARGE=${'x'.repeat(120_000)}`,
        `MORE=${'x'.repeat(120_000)}`,
        `YET=${'x'.repeat(120_000)}`,
      ],
    });
    const pidfd = nativeAddon().connectedPeer(peer.descriptor, true).pidfd;
    assert.ok(pidfd !== null);
    const asked = { workingDirectory: true, environment: true, commandLine: true };
    const facts = parseProcessFacts(glanceAtProcess(peer.pid, pidfd, asked) ?? '', asked);
    nativeAddon().closeFd(pidfd);
    assert.deepEqual(facts?.extras.environment, { outcome: 'unread', errno: 'E2BIG' });
    assert.equal(facts?.extras.commandLine.outcome, 'read');
  });

  it('shows nothing of a process that ended, nor through a descriptor that is closed', async () => {
    const peer = await peerWithPidfd('');
    const exited = once(peer.child, 'exit');
    peer.child.kill('SIGKILL');
    await exited;
    assert.equal(glanceAtProcess(peer.pid, peer.pidfd), null);
    nativeAddon().closeFd(peer.pidfd);
    assert.equal(glanceAtProcess(process.pid, 1_000_000), null);
  });

  it('believes no live process through the descriptor of one that ended', async () => {
    const peer = await peerWithPidfd('');
    const exited = once(peer.child, 'exit');
    peer.child.kill('SIGKILL');
    await exited;
    assert.equal(glanceAtProcess(process.pid, peer.pidfd), null);
    nativeAddon().closeFd(peer.pidfd);
  });
});

describe('parseProcessFacts', () => {
  const links = namespaceKinds.map((kind) => `${kind}:[1]`).join('\0');

  it('takes a control group that is no UTF-8 for one that cannot be understood', () => {
    assert.notEqual(parseProcessFacts(`1:2\0/bin/x\x000::/a\n\0${links}\0`), null);
    assert.equal(parseProcessFacts(`1:2\0/bin/x\x000::/\xff\n\0${links}\0`), null);
  });

  it('takes no text for facts whose extras are not those that were asked for', () => {
    const asked = { workingDirectory: true, environment: true, commandLine: false };
    const base = `1:2\0/bin/x\x000::/a\n\0${links}\0`;
    assert.notEqual(parseProcessFacts(`${base}=/\x00=3\0a\0b\0`, asked), null);
    for (const rest of ['', '=/\0', '=/\x00=3\0a\0', '=/\x00=x\0', '=/\0!0\0', '=/\0!x\0', '/\x00=0\0\0'])
      assert.equal(parseProcessFacts(base + rest, asked), null, JSON.stringify(rest));
  });

  it('gives null, and never throws, for any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        assert.equal(parseProcessFacts(text), null);
      }),
    );
  });
});

describe('cachedExecutable', () => {
  const addon = nativeAddon();
  const echo = realpathSync('/bin/echo');

  it('gives the identity of an executable, as stat(2) has it', { skip: process.platform !== 'linux' }, () => {
    let identity: string | null = null;
    // The kernel may have let go of the name; looking at it brings it back.
    for (let tries = 0; identity === null && tries < 100; tries++) {
      statSync(echo);
      identity = addon.cachedExecutable(echo);
    }
    assert.equal(identity, fileIdentity(statSync(echo, { bigint: true })));
  });

  it('gives nothing for links, for what is no file or not executable, and for paths that are none', () => {
    for (const path of [
      '/proc/self/exe',
      '/usr',
      '/etc/passwd',
      '/none',
      'relative',
      '',
      `/${'x'.repeat(5000)}`,
    ])
      assert.equal(addon.cachedExecutable(path), null, path.slice(0, 20));
  });

  it('refuses what is no path', () => {
    assert.throws(() => addon.cachedExecutable(1 as unknown as string), TypeError);
    assert.throws(() => addon.processFacts('1' as unknown as number, 1, 0), TypeError);
  });
});
