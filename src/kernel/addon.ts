/**
 * The native addon (native/): system calls that Node has no word for, and what is done with secrets that JavaScript must
 * not see, with their types.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * What the kernel noted when a Unix socket was connected, and the process behind it. `pid` is 0 where this PID namespace
 * hides it. `startTime` (clock ticks since boot) is null when it has ended; a `pidfd`, to be closed with `closeFd`, makes
 * certain that the time is of the process that connected.
 */
export interface ConnectedPeer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** The security label; null where no security module gives one. */
  readonly label: string | null;
  readonly startTime: number | null;
  readonly pidfd: number | null;
}

/** `type` is the magic number of statfs(2); `nosuid`: the mount ignores set-user-ID bits. */
export interface FileSystemFacts {
  readonly type: number;
  readonly nosuid: boolean;
}

/** Messages of the kernel that waited, with one character for each byte. `lost`: at least one is missing or cut. */
export interface TakenTexts {
  readonly texts: readonly string[];
  readonly lost: boolean;
}

declare const secretBrand: unique symbol;

/**
 * Bytes in a locked page outside the JavaScript heap, where they can be wiped (native/src/secret.h). Nothing in
 * JavaScript can read them. Made by this addon, or by the one that talks to the TPM.
 */
export interface Secret {
  readonly [secretBrand]: true;
}

/** What a PKCS#11 module returned (CK_RV); 0 is success. */
export type ReturnValue = number;

/**
 * Each function is synchronous and throws an Error with `code` (an errno's name) and `syscall` when the system call
 * fails, TypeError for arguments of another kind. Away from Linux all but `closeFd`, `lockFile`,
 * `supportsPeerPidfd` (false), `processFacts` and `cachedExecutable` (null), and `bootTimeMs` throw code ENOSYS.
 */
export interface NativeAddon {
  /**
   * SO_PEERCRED, SO_PEERGROUPS, SO_PEERSEC and, if it is wanted, SO_PEERPIDFD of a connected Unix socket. One that is
   * wanted and not given is an error: ENOPROTOOPT for a kernel older than Linux 6.5.
   */
  connectedPeer(socketFd: number, wantsPidfd: boolean): ConnectedPeer;
  /** Whether this kernel knows SO_PEERPIDFD (Linux 6.5). */
  supportsPeerPidfd(): boolean;
  /** False once the process behind the pidfd has ended, also before anybody has waited for it. */
  pidfdAlive(pidfd: number): boolean;
  closeFd(fd: number): void;
  /**
   * Executable, control groups and namespaces of the process that the pidfd is of, read before the pidfd was found
   * alive: a text to compare, and for `parseProcessFacts`. `extras` says what else is read (`ProcessExtra`); what of that
   * cannot be read is told in the text. Null when the process has ended or something cannot be read, and away from Linux.
   */
  processFacts(pid: number, pidfd: number, extras: number): string | null;
  /**
   * Inode numbers of the process's PID namespace and of those around it, innermost first, out to the daemon's own or as far as
   * the kernel shows them (ioctl_nsfs(2)). Make certain afterwards that the process is still the one that was meant.
   */
  pidNamespaces(pid: number): readonly string[];
  /**
   * Identity of the executable regular file at an absolute path without links. Null when there is none, or when the
   * kernel cannot tell without waiting for a file system; away from Linux always.
   */
  cachedExecutable(path: string): string | null;
  /** Opens (mode 0600) and locks a file (flock); the returned descriptor holds the lock. EWOULDBLOCK: held already. */
  lockFile(path: string): number;
  /** fstatfs(2) of an open file. */
  fileSystem(fd: number): FileSystemFacts;
  /**
   * A netlink socket that gets what the kernel announces about devices from now on (NETLINK_KOBJECT_UEVENT), to be closed with
   * `closeFd`. ENOTSUP: this network namespace gets no announcements; EPERM: nobody here may know whether it does.
   */
  openKernelEvents(): number;
  /** All that waits on that socket, from the kernel alone; null when nothing does. Never waits itself. */
  takeKernelEvents(fd: number): TakenTexts | null;
  /**
   * Reads what is logged by the kernel from now on (/dev/kmsg), to be closed with `closeFd`. EPERM: this needs CAP_SYSLOG; ENODEV
   * or ENOENT: the kernel's log is not there.
   */
  openKernelLog(): number;
  /** All records that were logged since, by whomever; null when there are none. Never waits. */
  takeKernelLog(fd: number): TakenTexts | null;
  /** CLOCK_BOOTTIME in milliseconds, with a fraction. */
  bootTimeMs(): number;
  /** Whether the kernel takes its wall clock for synchronised (adjtimex(2), STA_UNSYNC). */
  clockSynchronised(): boolean;
  /** The one line in the rest of an open file, of at most 1,023 bytes; null when it does not hold exactly one. */
  readSecret(fd: number): Secret | null;
  /** 128 random bits as 32 lower-case hex digits. */
  generateSecret(digits?: number): Secret;
  /** Writes the secret and a newline to an open file. */
  writeSecret(fd: number, secret: Secret): void;
  /**
   * Asks the person at this process's terminal, without showing the answer; blocks. Codes: ENXIO, no terminal; ENOTTY,
   * not in its foreground; ECANCELED; ETIMEDOUT.
   */
  askSecret(question: string, timeoutMs: number): Secret;
  equalSecrets(left: Secret, right: Secret): boolean;
  /** Whether the kernel keeps it out of swap (mlock(2)); false where RLIMIT_MEMLOCK does not allow that. */
  secretIsLocked(secret: Secret): boolean;
  /** Overwrites it. From then on it is an argument for nothing but this. */
  wipeSecret(secret: Secret): void;
  /**
   * C_Login of a module that this process has loaded. `session` is its handle, `userType` 0 for the security officer
   * and 1 for the user. Codes of these three: ENOENT, no such module is loaded; ENOSYS, it is no PKCS#11 module.
   */
  tokenLogin(modulePath: string, session: Buffer, userType: 0 | 1, pin: Secret): ReturnValue;
  /** C_InitPIN. */
  tokenInitPin(modulePath: string, session: Buffer, pin: Secret): ReturnValue;
  /** C_InitToken: erases the token. The label has at most 32 bytes of UTF-8. */
  tokenInit(modulePath: string, slot: Buffer, soPin: Secret, label: string): ReturnValue;
  /** No core, no look from outside, no gain of rights by executing a program: for good (native/src/process_hardening.h). */
  hardenProcess(): void;
}

/** The compiled addon is missing, or is not the one that this code was written for. */
export class AddonError extends Error {
  constructor(path: string, cause?: unknown) {
    super(`The native addon ${path} cannot be used: run \`npm run build\`.`, { cause });
    this.name = 'AddonError';
  }
}

const functionNames: readonly (keyof NativeAddon)[] = [
  'connectedPeer',
  'supportsPeerPidfd',
  'pidfdAlive',
  'closeFd',
  'processFacts',
  'pidNamespaces',
  'cachedExecutable',
  'lockFile',
  'fileSystem',
  'openKernelEvents',
  'takeKernelEvents',
  'openKernelLog',
  'takeKernelLog',
  'bootTimeMs',
  'clockSynchronised',
  'readSecret',
  'generateSecret',
  'writeSecret',
  'askSecret',
  'equalSecrets',
  'secretIsLocked',
  'wipeSecret',
  'tokenLogin',
  'tokenInitPin',
  'tokenInit',
  'hardenProcess',
];

const addonPath = fileURLToPath(new URL('../../../native/build/Release/writ_native.node', import.meta.url));
const loadModule = createRequire(import.meta.url);

let loadedAddon: NativeAddon | null = null;

/** The addon, loaded once for each thread. Throws AddonError. */
export function nativeAddon(): NativeAddon {
  loadedAddon ??= loadAddon(addonPath);
  return loadedAddon;
}

/** Loads an addon from a file. Throws AddonError. */
export function loadAddon(path: string): NativeAddon {
  const loaded = load(path);
  if (!isNativeAddon(loaded)) throw new AddonError(path);
  return loaded;
}

function load(path: string): unknown {
  try {
    return loadModule(path);
  } catch (cause) {
    throw new AddonError(path, cause);
  }
}

function isNativeAddon(candidate: unknown): candidate is NativeAddon {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const members = new Map<string, unknown>(Object.entries(candidate));
  return functionNames.every((name) => typeof members.get(name) === 'function');
}
