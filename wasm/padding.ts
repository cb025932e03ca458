// The room behind each message in memory, at least 128 bytes, belongs to its padding.

/** Sets at least `byteCount` bytes (at most 128) to zero. For so few, stores are faster than memory.fill. */
export function clearBehind(address: usize, byteCount: u32): void {
  const zero = i64x2.splat(0);
  for (let offset: u32 = 0; offset < byteCount; offset += 16) v128.store(address + offset, zero);
}
