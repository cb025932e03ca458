/**
 * Whether this virtual machine was taken back to a snapshot, or copied, while it ran: memory, disk and virtual TPM come back
 * together then, and nothing in them shows it. The hypervisor gives the machine another generation id (Virtual Machine Generation
 * ID, a device of ACPI or the device tree). Linux shows that id to nobody, but tells of a change in two ways:
 *
 * - Since 5.18 it logs that it seeded its random numbers anew for that reason (add_vmfork_randomness in drivers/char/random.c).
 * - In 6.8, and in kernels of vendors that kept it, it sends a uevent with the field `NEW_VMGENID` (drivers/virt/vmgenid.c). Later
 *   kernels took that out again, so this alone is never relied on.
 *
 * Either comes when the kernel has handled the hypervisor's interrupt, some moments after the machine went on.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nativeAddon, type TakenTexts } from './addon.js';
import { errnoName } from './errno.js';
import { parseKernelEvent } from './kernel-event.js';
import { parseKernelLogRecord } from './kernel-log-record.js';

/**
 * `same`: the kernel told of no other generation. `changed`: it did. `lost`: something that it told is missing or cannot be
 * understood, so nobody can tell whether it was that.
 */
export type Generation = 'same' | 'changed' | 'lost';

/** A place where the kernel tells: what is open there, and what that says. */
interface Source {
  readonly descriptor: number;
  readonly take: () => TakenTexts | null;
  readonly judge: (taken: TakenTexts) => Generation;
}

/** Listens to the kernel, from its making on. */
export class GenerationWatch {
  #sources: readonly Source[];
  #generation: Generation = 'same';
  /** Why a change may go unnoticed, in one clause; null where the kernel tells of it and this watch hears it. */
  readonly gap: string | null;

  private constructor(sources: readonly Source[], gap: string | null) {
    this.#sources = sources;
    this.gap = gap;
  }

  /**
   * Never fails for a system that does not tell: that is said in `gap`. Whatever can be heard is listened to, even if nothing is
   * expected of it: a driver may be loaded later. `busDirectory` is another one only in tests.
   */
  static open(busDirectory = '/sys/bus'): GenerationWatch {
    const addon = nativeAddon();
    const log = opened(() => addon.openKernelLog());
    const events = opened(() => addon.openKernelEvents());
    const sources: Source[] = [];
    if (typeof log === 'number')
      sources.push({ descriptor: log, take: () => addon.takeKernelLog(log), judge: toldByLog });
    if (typeof events === 'number')
      sources.push({ descriptor: events, take: () => addon.takeKernelEvents(events), judge: toldByEvents });
    return new GenerationWatch(sources, gapOf(log, busDirectory));
  }

  /**
   * What the kernel told until now; about two microseconds when nothing. What is not `same` stays so. Throws the system's error when
   * a source fails.
   */
  check(): Generation {
    for (const { take, judge } of this.#sources) {
      if (this.#generation === 'changed') break;
      const taken = take();
      const told = taken === null ? 'same' : judge(taken);
      if (told !== 'same') this.#generation = told;
    }
    return this.#generation;
  }

  /** Stops listening; a second call does nothing. */
  close(): void {
    for (const { descriptor } of this.#sources) nativeAddon().closeFd(descriptor);
    this.#sources = [];
  }
}

/**
 * What uevents say about the generation. The field alone counts, whatever else the message says: nobody but the kernel, or who has
 * the rights of root over the network namespace, can have written it.
 */
export function toldByEvents({ texts, lost }: TakenTexts): Generation {
  const events = texts.map(parseKernelEvent);
  if (events.some((event) => event?.fields.has('NEW_VMGENID'))) return 'changed';
  return lost || events.includes(null) ? 'lost' : 'same';
}

/** What records of the kernel's log say about the generation. */
export function toldByLog({ texts, lost }: TakenTexts): Generation {
  const records = texts.map(parseKernelLogRecord);
  const reseeded = /^random: .*virtual machine fork/;
  if (records.some((record) => record?.byKernel === true && reseeded.test(record.message))) return 'changed';
  return lost || records.includes(null) ? 'lost' : 'same';
}

/** A descriptor, or why there is none. */
function opened(open: () => number): number | string {
  try {
    return open();
  } catch (cause) {
    if (errnoName(cause) === null || !(cause instanceof Error)) throw cause;
    return cause.message;
  }
}

function gapOf(log: number | string, busDirectory: string): string | null {
  if (typeof log === 'string') return `the kernel's log cannot be read here (${log})`;
  return ['acpi', 'platform'].some((bus) => hasDevice(join(busDirectory, bus, 'drivers/vmgenid')))
    ? null
    : 'this machine has no generation id (VMGENID), or no driver for it';
}

/** Whether a driver has a device: a link beside its own files. False where the driver or /sys is missing. */
function hasDevice(driverDirectory: string): boolean {
  try {
    return readdirSync(driverDirectory, { withFileTypes: true }).some(
      (entry) => entry.isSymbolicLink() && entry.name !== 'module',
    );
  } catch (cause) {
    // What cannot be looked at counts as missing: the gap is then named.
    if (errnoName(cause) === null) throw cause;
    return false;
  }
}
