/**
 * Whether what was read from a file can be believed to stay: only root may have changed it, and the kernel's word on
 * its owner and times is worth something. Digests of such files may be kept, and name what a path will execute.
 */

import type { FileSystemFacts } from '../kernel/addon.js';

/** `root-only`: no process without root's powers can change the file. `changeable`: one might. */
export type FileProtection = 'root-only' | 'changeable';

export interface ProtectionFacts {
  readonly ownerUid: bigint;
  readonly mode: bigint;
  readonly device: bigint;
  /** Device of the daemon's own root directory: who can forge that one has the daemon as well. */
  readonly rootDevice: bigint;
  readonly fileSystem: FileSystemFacts;
}

/**
 * File systems that the kernel alone serves, from storage that takes root to mount (magic numbers of statfs(2)).
 * Not FUSE, not network file systems: there, a user's process can name root as the owner and change contents under
 * constant times. Not overlayfs either, which may lie on such a one; a container's root is one that `rootDevice` admits.
 */
const kernelFileSystems: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x73717368, // SquashFS
  0xe0f5e1e2, // EROFS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
]);

const groupOrOtherWrite = 0o022n;

/**
 * Judges by owner and mode, not by uid asking: an owner other than root may always give itself the right to write, also
 * as root of a user namespace that holds its uid. Write entries of an access control list show in the group's bits.
 * Mounts that users may make (removable disks, user FUSE) are nosuid, and so does the kernel itself tell them apart.
 */
export function fileProtection(facts: ProtectionFacts): FileProtection {
  const rootOwned = facts.ownerUid === 0n && (facts.mode & groupOrOtherWrite) === 0n;
  const { type, nosuid } = facts.fileSystem;
  const trustedMount = !nosuid && (kernelFileSystems.has(type) || facts.device === facts.rootDevice);
  return rootOwned && trustedMount ? 'root-only' : 'changeable';
}
