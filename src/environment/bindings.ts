/**
 * Measures where a request comes from: the machine, and the caller on it. Facts of the machine are read once, or where they
 * can change once a second; facts of a caller each time that it is looked at.
 */

import type { Peer } from '../format/predicate.js';
import type { ProcessFacts } from '../kernel/process-facts.js';
import { allOfCaller, callerBindings, type MeasuredProcess, measureCaller } from './caller-sensors.js';
import { linuxMachineFiles, type MachineFiles, measureBoot, measureSettings } from './machine-sensors.js';
import { joinMeasurements, type Measurement, narrowed } from './measurement.js';
import { BindingSelection } from './selection.js';

/** How old what can change on a running machine may be, in milliseconds. */
const settingsAgeMs = 1000;

export class EnvironmentMeasurer {
  readonly selection: BindingSelection;
  readonly #files: MachineFiles;
  readonly #boot: Measurement;
  #settings: Measurement;
  #settingsText: string;
  #readAtMs: number;
  #bound: Measurement;

  constructor(
    selection: BindingSelection = new BindingSelection(),
    nowMs = 0,
    files: MachineFiles = linuxMachineFiles,
  ) {
    this.selection = selection;
    this.#files = files;
    this.#boot = measureBoot(files);
    this.#settings = measureSettings(files);
    this.#settingsText = JSON.stringify(this.#settings);
    this.#readAtMs = nowMs;
    this.#bound = this.#boundOf();
  }

  /** The machine's bound bindings: one object as long as none of them changes. */
  get machine(): Measurement {
    return this.#bound;
  }

  /** A fact of the machine, bound or not; null where there is no such sensor. */
  fact(name: string): string | null {
    const known = [...this.#boot.bindings, ...this.#settings.bindings];
    return known.find((binding) => binding.name === name)?.value ?? null;
  }

  /** Reads again what can change on a running machine, unless that was done a moment ago. `nowMs`: of any steady clock. */
  refresh(nowMs: number): void {
    if (nowMs - this.#readAtMs < settingsAgeMs) return;
    this.#readAtMs = nowMs;
    const settings = measureSettings(this.#files);
    const text = JSON.stringify(settings);
    if (text === this.#settingsText) return;
    this.#settings = settings;
    this.#settingsText = text;
    this.#bound = this.#boundOf();
  }

  /** What is bound of the machine and of a process whose facts were read in one go. */
  atGlance(facts: ProcessFacts, label: string | null): Measurement {
    const caller = callerBindings(
      {
        label,
        cgroup: () => facts.cgroup,
        namespace: (kind) => facts.namespaces[kind],
        extra: (extra) => facts.extras[extra],
      },
      this.selection,
    );
    return joinMeasurements([this.#bound, caller]);
  }

  /** The same for a process that is read now, fact by fact. */
  measure(process: MeasuredProcess): Measurement {
    return joinMeasurements([this.#bound, measureCaller(process, this.selection)]);
  }

  /** All that can be measured now of the machine and of a process, bound or not. */
  survey(process: Pick<Peer, 'pid' | 'startTime' | 'label'>): Measurement {
    return joinMeasurements([
      this.#boot,
      measureSettings(this.#files),
      measureCaller(process, { ...allOfCaller, variables: this.selection.variables }),
    ]);
  }

  #boundOf(): Measurement {
    return narrowed(joinMeasurements([this.#boot, this.#settings]), (name) => this.selection.binds(name));
  }
}
