/** Finds a variable in the bytes of /proc/PID/environ: `NAME=VALUE`, each ended by a NUL (environ(7)). Pure. */

export type Variable =
  | { readonly outcome: 'set'; readonly value: Uint8Array }
  | { readonly outcome: 'unset' }
  | { readonly outcome: 'repeated' };

/** The value of a variable, as bytes. A name that stands there twice has no one value: which counts is up to the program. */
export function readVariable(environment: Uint8Array, name: string): Variable {
  const start = Buffer.from(`${name}=`);
  let found: Uint8Array | null = null;
  for (const entry of nulEnded(environment)) {
    if (!start.equals(entry.subarray(0, start.length))) continue;
    if (found !== null) return { outcome: 'repeated' };
    found = entry.subarray(start.length);
  }
  return found === null ? { outcome: 'unset' } : { outcome: 'set', value: found };
}

/** The parts of a text each of which a NUL ends; the last may lack it. */
export function* nulEnded(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    yield bytes.subarray(start, end < 0 ? bytes.length : end);
    start = end < 0 ? bytes.length : end + 1;
  }
}
