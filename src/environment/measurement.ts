/**
 * What sensors gave: bindings, and the names of those sensors that gave nothing, with the reason. A sensor that is
 * missing is never guessed at, so that whoever needs it can deny.
 */

import type { Binding } from '../format/predicate.js';
import { errnoName } from '../kernel/errno.js';
import { ProcessReadError } from '../kernel/process.js';

/** A sensor that gave nothing. `reason` is one plain sentence. */
export interface UnavailableBinding {
  readonly name: string;
  readonly reason: string;
}

/** Both lists are sorted by name, and no name is in both or twice. */
export interface Measurement {
  readonly bindings: readonly Binding[];
  readonly unavailable: readonly UnavailableBinding[];
}

/** What a sensor reads; `kernel` for what no process without root's powers could have made up. */
export interface Sensed {
  readonly value: string;
  readonly source: 'kernel' | 'reported';
}

/** A sensor by the name of its binding. It throws SensorError, ProcessReadError, or what a system call throws. */
export type Sensor = readonly [name: string, read: () => Sensed];

/** The machine lacks a sensor, or it gave what cannot be understood. The message is a plain sentence. */
export class SensorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SensorError';
  }
}

/** The longest value of a binding in a statement (format/predicate.ts), in UTF-16 code units. */
const maxValueLength = 4096;

/** Reads sensors, each by itself. What is no failure of a sensor is thrown. */
export function collect(sensors: readonly Sensor[]): Measurement {
  const bindings: Binding[] = [];
  const unavailable: UnavailableBinding[] = [];
  for (const [name, read] of sensors) {
    try {
      const { value, source } = read();
      if (value.length > maxValueLength)
        throw new SensorError(`It has ${value.length} characters, more than the ${maxValueLength} that fit.`);
      bindings.push({ name, value, source });
    } catch (error) {
      unavailable.push({ name, reason: reasonOf(name, error) });
    }
  }
  return { bindings: sortedByName(bindings), unavailable: sortedByName(unavailable) };
}

function reasonOf(name: string, error: unknown): string {
  if (error instanceof SensorError) return error.message;
  if (error instanceof ProcessReadError) return `${error.message}.`;
  const code = errnoName(error);
  if (code === null) throw error;
  return `The binding ${name} cannot be measured: ${code}.`;
}

/** One measurement out of several. A name that more than one of them gives is a mistake of whoever joined them: Error. */
export function joinMeasurements(parts: readonly Measurement[]): Measurement {
  const bindings = sortedByName(parts.flatMap((part) => part.bindings));
  const unavailable = sortedByName(parts.flatMap((part) => part.unavailable));
  const names = [...bindings, ...unavailable].map(({ name }) => name);
  const repeated = names.find((name, position) => names.indexOf(name) !== position);
  if (repeated !== undefined) throw new Error(`the environment binding ${repeated} is measured twice`);
  return { bindings, unavailable };
}

/** The part of a measurement whose names pass. */
export function narrowed(
  { bindings, unavailable }: Measurement,
  admits: (name: string) => boolean,
): Measurement {
  return {
    bindings: bindings.filter(({ name }) => admits(name)),
    unavailable: unavailable.filter(({ name }) => admits(name)),
  };
}

/** Sorted by name, in the order of UTF-16 code units. */
export function sortedByName<Named extends { readonly name: string }>(list: readonly Named[]): Named[] {
  return [...list].sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
}
