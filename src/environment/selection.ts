/**
 * Which bindings are sealed into artifacts, shown to policies and compared when an artifact is redeemed: names, and
 * groups of names, from the daemon's configuration.
 */

import { namespaceKinds } from '../kernel/process.js';
import { noExtras, type ProcessExtraNames } from '../kernel/process-facts.js';

const groups: Readonly<Record<string, readonly string[]>> = {
  machine: [
    'boot',
    'firmware.secureboot',
    'host',
    'hostname',
    'kernel',
    'kernel.cmdline',
    'kernel.ima',
    'kernel.lockdown',
  ],
  namespaces: namespaceKinds.map((kind) => `namespace.${kind}`),
  interpreters: ['interpreter'],
};

/** Names that stand for themselves, beside those of the groups. */
const singleNames = [
  'caller.cwd',
  'caller.script',
  'cgroup',
  'clock.synchronised',
  'container',
  'label',
] as const;

const knownNames: ReadonlySet<string> = new Set([...Object.values(groups).flat(), ...singleNames]);

/**
 * What is bound unless the configuration says otherwise: what stays the same as long as the machine is not started or set up
 * anew, and where on it the caller runs. Not the control group, which under systemd names the terminal or session, so that
 * nothing could be redeemed from another one (it stands in `initiator`, and `bind` asks for less); not the clock, which
 * drifts without anybody's doing; not what is read of the caller's own memory, which costs each request.
 */
export const defaultBound: readonly string[] = [
  'machine',
  'namespaces',
  'interpreters',
  'container',
  'label',
];

/** Thrown for a name that stands for nothing: it would bind nothing. */
export class SelectionError extends Error {
  constructor(name: string) {
    const known = [...Object.keys(groups), ...knownNames].sort().join(', ');
    super(`no environment binding or group is called ${JSON.stringify(name)}; there are ${known}`);
    this.name = 'SelectionError';
  }
}

/** Names of environment variables as POSIX has them (XBD 8.1), which need no quoting in a binding's name. */
export const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

export class BindingSelection {
  /** Environment variables of the caller that are bound. */
  readonly variables: readonly string[];
  /** What must be read of a caller beyond what every request needs. */
  readonly extras: ProcessExtraNames;
  readonly #names: ReadonlySet<string>;

  /** `bind` holds names of bindings and of groups; every variable is bound too. Throws SelectionError. */
  constructor(bind: readonly string[] = defaultBound, variables: readonly string[] = []) {
    const unknown = bind.find((name) => !Object.hasOwn(groups, name) && !knownNames.has(name));
    if (unknown !== undefined) throw new SelectionError(unknown);
    this.#names = new Set([
      ...bind.flatMap((name) => groups[name] ?? [name]),
      ...variables.map((name) => `caller.variable.${name}`),
    ]);
    this.variables = [...new Set(variables)].sort();
    this.extras = {
      ...noExtras,
      workingDirectory: this.#names.has('caller.cwd'),
      commandLine: this.#names.has('caller.script'),
      environment: this.variables.length > 0,
    };
  }

  /** Names of what is bound, beside the variables; a group stands as its members. */
  get names(): readonly string[] {
    return [...this.#names].filter((name) => !name.startsWith('caller.variable.')).sort();
  }

  /** Whether a binding of this name is bound. What a TPM vouches for is bound wherever there is one. */
  readonly binds = (name: string): boolean =>
    this.#names.has(name.startsWith('interpreter.') ? 'interpreter' : name);
}
