/** The programs that requests name, digested: what an action would execute, and what that may start in turn. */

import type { FileDigester } from '../environment/file-digest.js';
import { measureInterpreters } from '../environment/interpreters.js';
import type { BindingSelection } from '../environment/selection.js';
import type { ExecuteRequest, RequestedAction } from '../format/action.js';
import { type Denial, denial } from '../format/denial.js';
import { displayText, type ExactText, exactBytes, exactText } from '../format/exact-text.js';
import { jcsText } from '../format/jcs.js';
import type { Binding } from '../format/predicate.js';
import type { Look } from './look.js';
import type { MeasuredAction, MeasuredProgram } from './services.js';

const none: readonly Binding[] = [];

export class Programs {
  readonly #digester: FileDigester;
  readonly #selection: BindingSelection;

  /** `selection`: whether the interpreters of scripts are bound. */
  constructor(digester: FileDigester, selection: BindingSelection) {
    this.#digester = digester;
    this.#selection = selection;
  }

  /**
   * Digests what the action would execute; `look` was taken after it was asked for. SCOPE_MISMATCH for a path that is not the
   * file's own, or is no such file; OVERLOADED where too many files wait already.
   */
  measureAction(action: RequestedAction, look: Look): MeasuredAction | Promise<MeasuredAction> {
    if (action.type === 'tool') return { outcome: 'measured', action, bindings: none };
    if (!isAbsolute(action))
      return scopeMismatch('the paths of executable and working directory must be absolute');
    const kept =
      typeof action.executable === 'string'
        ? look.digests(action.executable, (path) => this.#digester.keptDigests(path))
        : null;
    return kept === null
      ? this.#digestAction(action)
      : { outcome: 'measured', action: { ...action, digests: kept }, bindings: none };
  }

  async #digestAction(action: ExecuteRequest): Promise<MeasuredAction> {
    const shown = displayText(action.executable);
    const reading = await this.#digester.digest(Buffer.from(exactBytes(action.executable)), 'executable');
    if (reading.outcome === 'refused' && reading.refusal === 'overloaded') {
      return { outcome: 'denied', denial: denial('OVERLOADED', reading.reason) };
    }
    if (reading.outcome === 'refused') return scopeMismatch(reading.reason);
    const real = exactText(reading.path);
    // Policies name real paths: a link that is followed here could point elsewhere when the action runs.
    if (jcsText(real) !== jcsText(action.executable)) {
      return scopeMismatch(
        `${shown} is a link to ${displayText(real)}`,
        `Ask for ${displayText(real)} itself.`,
      );
    }
    const measured = { ...action, digests: reading.digests };
    if (reading.script === null || !this.#selection.binds('interpreter.1'))
      return { outcome: 'measured', action: measured, bindings: none };
    const cwd = exactBytes(action.cwd);
    const interpreters = await measureInterpreters(reading.script, cwd, (path) =>
      this.#digester.digest(path, 'executable'),
    );
    if (interpreters.outcome === 'measured')
      return { outcome: 'measured', action: measured, bindings: interpreters.bindings };
    const { overloaded, reason } = interpreters;
    return overloaded
      ? { outcome: 'denied', denial: denial('OVERLOADED', reason) }
      : scopeMismatch(`${shown} cannot be executed: ${reason}`);
  }

  /** Digests a file that a program may start in turn. Denials as of `measureAction`. */
  async measureProgram(path: ExactText): Promise<MeasuredProgram> {
    const shown = displayText(path);
    if (!startsWithSlash(path))
      return scopeMismatch(`the path ${shown} of a listed program must be absolute`);
    const reading = await this.#digester.digest(Buffer.from(exactBytes(path)), 'executable');
    if (reading.outcome === 'refused')
      return reading.refusal === 'overloaded'
        ? { outcome: 'denied', denial: denial('OVERLOADED', reading.reason) }
        : scopeMismatch(reading.reason);
    const real = exactText(reading.path);
    return jcsText(real) === jcsText(path)
      ? { outcome: 'measured', program: { path, digests: reading.digests } }
      : scopeMismatch(`${shown} is a link to ${displayText(real)}`, `List ${displayText(real)} itself.`);
  }
}

function isAbsolute({ executable, cwd }: ExecuteRequest): boolean {
  return startsWithSlash(executable) && startsWithSlash(cwd);
}

function startsWithSlash(path: ExactText): boolean {
  return typeof path === 'string' ? path.startsWith('/') : exactBytes(path)[0] === 0x2f;
}

function scopeMismatch(
  message: string,
  remedy?: string,
): { readonly outcome: 'denied'; readonly denial: Denial<'SCOPE_MISMATCH'> } {
  return { outcome: 'denied', denial: denial('SCOPE_MISMATCH', message, remedy) };
}
