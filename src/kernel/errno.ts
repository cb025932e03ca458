/** The name of a failed system call's errno, as Node's own errors and the native addon's carry it. */

/** `ENOENT` and the like; null for an error that no system call made. */
export function errnoName(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
