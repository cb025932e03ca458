/**
 * Whether this machine is a virtual one: its owner can then take disk, memory and TPM back to an earlier state together, and
 * nothing inside notices.
 */

import { existsSync, readFileSync } from 'node:fs';

/** Where the kernel says it; another place only in tests. */
export interface MachineTraits {
  /** proc(5): on x86 the flag `hypervisor` is the processor's own word (CPUID leaf 1, ECX bit 31). */
  readonly cpuInfo: string;
  /** Of machines that are described by a device tree. */
  readonly deviceTree: string;
}

export const linuxMachineTraits: MachineTraits = {
  cpuInfo: '/proc/cpuinfo',
  deviceTree: '/proc/device-tree',
};

/** `unknown` where the processor has no word for it. Throws the system's error for a /proc that cannot be read. */
export function machineKind(traits: MachineTraits = linuxMachineTraits): 'physical' | 'virtual' | 'unknown' {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync(traits.cpuInfo, 'utf8'))?.[1];
  if (flags !== undefined) return / hypervisor(?: |$)/.test(flags) ? 'virtual' : 'physical';
  return existsSync(`${traits.deviceTree}/hypervisor`) ? 'virtual' : 'unknown';
}
