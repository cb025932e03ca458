/** One record of the kernel's log as /dev/kmsg gives it (Documentation/ABI/testing/dev-kmsg in Linux). */

export interface KernelLogRecord {
  /** Whether the kernel wrote it. Whatever others write into its log, the kernel gives another facility than its own, 0. */
  readonly byKernel: boolean;
  readonly message: string;
}

/**
 * Reads `5,342,1275439,-;random: ...`: facility times eight plus level, number, microseconds, flags; then the message, and perhaps
 * lines about the device. Null for anything else.
 */
export function parseKernelLogRecord(text: string): KernelLogRecord | null {
  const [, priority, message] = /^(\d+),\d+,\d+,[^;\n]*;([^\n]*)\n/.exec(text) ?? [];
  if (priority === undefined || message === undefined) return null;
  return { byKernel: Number(priority) < 8, message };
}
