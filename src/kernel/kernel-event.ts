/**
 * What the kernel says in a uevent: `change@/devices/...`, and fields `KEY=VALUE`, each ended by a NUL (lib/kobject_uevent.c in
 * Linux).
 */

export interface KernelEvent {
  /** `add`, `change`, `remove` and the like. */
  readonly action: string;
  /** The device's path below /sys. */
  readonly devicePath: string;
  /** What was said more than once has its last value here. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Reads one message, which has one character for each byte. Null for anything that does not begin as an announcement does, or
 * breaks off. Parts without `=` say nothing, and are left out.
 */
export function parseKernelEvent(text: string): KernelEvent | null {
  if (!text.endsWith('\0')) return null;
  const [header = '', ...parts] = text.slice(0, -1).split('\0');
  const at = header.indexOf('@');
  const action = header.slice(0, Math.max(at, 0));
  const devicePath = header.slice(at + 1);
  if (!/^[a-z]+$/.test(action) || !devicePath.startsWith('/')) return null;
  const fields = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return { action, devicePath, fields };
}
