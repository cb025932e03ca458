/**
 * What executes a script. The kernel hands a file that begins with `#!` to the interpreter named there, which may be such a
 * file itself; so an authorization of a script is worth as much as it says about those.
 */

import type { Binding } from '../format/predicate.js';
import type { FileReading } from './file-digest.js';
import { pathText } from './path-text.js';
import type { ScriptLine } from './script-line.js';

/** Digests an executable file; `path` is absolute. */
export type DigestExecutable = (path: Buffer) => Promise<FileReading>;

export type InterpretersMeasured =
  | { readonly outcome: 'measured'; readonly bindings: readonly Binding[] }
  | { readonly outcome: 'refused'; readonly overloaded: boolean; readonly reason: string };

/** A chain of more files that begin with `#!` is ELOOP (exec_binprm() in fs/exec.c). */
const maxScripts = 5;

/**
 * Follows a script's first line as the kernel does, in the caller's working directory: `interpreter.1` is what executes
 * the script, `interpreter.2` what executes that, and so on, each `sha3-512:<hex>` and its real path. Of the kernel where root alone
 * can change the file, else reported. Refused where the kernel would execute nothing.
 */
export async function measureInterpreters(
  script: ScriptLine,
  workingDirectory: Uint8Array,
  digest: DigestExecutable,
): Promise<InterpretersMeasured> {
  const bindings: Binding[] = [];
  for (let line: ScriptLine | null = script; line !== null; ) {
    if (bindings.length === maxScripts) {
      return refused(
        `more than ${maxScripts} scripts would have to interpret each other, which Linux refuses`,
      );
    }
    const reading = await digest(absolute(line.interpreter, workingDirectory));
    if (reading.outcome === 'refused') {
      const reason = `its interpreter cannot be measured: ${reading.reason}`;
      return { outcome: 'refused', overloaded: reading.refusal === 'overloaded', reason };
    }
    bindings.push({
      name: `interpreter.${bindings.length + 1}`,
      value: `sha3-512:${reading.digests.sha3_512} ${pathText(reading.path)}`,
      source: reading.protection === 'root-only' ? 'kernel' : 'reported',
    });
    line = reading.script;
  }
  return { outcome: 'measured', bindings };
}

function absolute(path: Uint8Array, workingDirectory: Uint8Array): Buffer {
  const slash = 0x2f;
  return path[0] === slash ? Buffer.from(path) : Buffer.concat([workingDirectory, Buffer.of(slash), path]);
}

function refused(reason: string): InterpretersMeasured {
  return { outcome: 'refused', overloaded: false, reason };
}
