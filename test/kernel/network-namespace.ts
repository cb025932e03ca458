/**
 * What the kernel announces about devices, in a network namespace of its own: what is sent there reaches nobody else on this
 * machine. Needs root.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { plainEnvironment } from '../tpm/plain-environment.js';

/** A program that is started in a new network namespace is started by this, and replaces it. */
export const inNewNetwork = ['unshare', '--net'] as const;

/** A program that is started by this finds no log of the kernel, as in many containers. */
export const withoutKernelLog = [
  'unshare',
  '--mount',
  '--net',
  'sh',
  '-c',
  'mount --bind /dev/null /dev/kmsg && exec "$@"',
  'sh',
];

/** Why there can be no such namespace here; false where there can. */
export const noNewNetwork: string | false =
  spawnSync('unshare', ['--net', 'true'], { env: plainEnvironment }).status === 0
    ? false
    : 'needs the right to make a network namespace (root)';

/** The message with which Linux announces another generation id. Written by hand, after its source (drivers/virt/vmgenid.c). */
export const newGeneration = [
  'change@/devices/platform/VMGENCTR:00',
  'ACTION=change',
  'DEVPATH=/devices/platform/VMGENCTR:00',
  'SUBSYSTEM=platform',
  'NEW_VMGENID=1',
  'DRIVER=vmgenid',
  'MODALIAS=acpi:VMGENCTR:VM_GEN_COUNTER:',
];

// A netlink message of any type that is a request is taken by the kernel for an announcement, which it makes in its own name.
const sender = `
import socket, struct, sys
way, times = sys.argv[1], int(sys.argv[2])
body = b"".join(part.encode("latin-1") + b"\\0" for part in sys.argv[3:])
link = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
for _ in range(times):
    if way == "by the kernel":
        link.sendto(struct.pack("=IHHII", 16 + len(body), 16, 1, 0, 0) + body, (0, 0))
    else:
        link.sendto(body, (0, 1))
`;

/**
 * Announces something in the network namespace of a process: `by the kernel`, which passes on for root what it is given, as its own
 * (since Linux 4.18); or `by a process`, which sends to the same group itself. It is there when this returns.
 */
export function announce(
  pid: number,
  way: 'by the kernel' | 'by a process',
  parts: readonly string[],
  times = 1,
): void {
  const inNetwork = [`--net=/proc/${pid}/ns/net`, 'python3', '-c', sender, way, String(times), ...parts];
  execFileSync('nsenter', inNetwork, { env: plainEnvironment, stdio: ['ignore', 'ignore', 'inherit'] });
}
