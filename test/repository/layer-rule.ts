// The layer rule of ARCHITECTURE.md, as data and as a check over a source tree. Imports point down
// only, never to a neighbour of the same row; the pure rows run in a browser as well.

import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix, relative, sep } from 'node:path';
import { type ModuleReference, type SourceFacts, scanSource } from './source-scan.js';

export type LayerReport = {
  readonly moduleCount: number;
  /** One sentence each, beginning with the offending file's path below the source root. */
  readonly offences: readonly string[];
};

/** From the bottom up. Every folder of src/ stands in exactly one row. */
const ROWS = [
  ['hash', 'merkle', 'format'],
  ['verify'],
  ['kernel'],
  ['log', 'hsm', 'tpm'],
  ['policy', 'identity', 'environment', 'state'],
  ['daemon', 'run', 'client'],
  ['cli', 'console', 'agents'],
] as const;

/** Rows whose code runs unchanged in a browser. */
const PURE_ROWS = 2;

/** The only imports between neighbours. */
const NEIGHBOURS_ALLOWED = new Set(['merkle -> format', 'merkle -> hash', 'format -> hash']);

/** What the faces may know of the daemon's inside: where its configuration says that it listens. */
const DAEMON_FOR_FACES = /^daemon\/config(?:\.ts$|\/)/;

/**
 * Checks every .ts file below a source root.
 * @param sourceRoot absolute path of a directory that holds the layers' folders
 * @throws {Error} when there is no module at all: a check that saw nothing must not pass
 */
export function checkLayers(sourceRoot: string): LayerReport {
  const modules = readModules(sourceRoot);
  if (modules.size === 0) throw new Error(`No module found below ${sourceRoot}: nothing was checked.`);
  const offences: string[] = [];
  for (const [path, facts] of modules) {
    const row = rowOf(path);
    if (row === undefined) {
      offences.push(`${path} lies in a folder that has no row: give it one in the layer rule.`);
      continue;
    }
    if (facts.computedReferences > 0) {
      offences.push(`${path} imports a computed specifier, which no check can follow.`);
    }
    if (row < PURE_ROWS && facts.usesBuffer) offences.push(`${path} uses Buffer, but its layer is pure.`);
    for (const reference of facts.references) {
      const offence = offenceOf(path, row, reference, modules);
      if (offence !== undefined) offences.push(`${path} ${offence}`);
    }
  }
  return { moduleCount: modules.size, offences: [...offences, ...cyclesIn(modules)].sort() };
}

function readModules(sourceRoot: string): Map<string, SourceFacts> {
  const modules = new Map<string, SourceFacts>();
  for (const entry of readdirSync(sourceRoot, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    modules.set(relative(sourceRoot, file).split(sep).join('/'), scanSource(readFileSync(file, 'utf8')));
  }
  return modules;
}

function layerOf(path: string): string {
  return path.split('/', 1)[0] ?? path;
}

function rowOf(path: string): number | undefined {
  const layer = layerOf(path);
  const row = ROWS.findIndex((layers) => layers.some((name) => name === layer));
  return row === -1 ? undefined : row;
}

function offenceOf(
  path: string,
  row: number,
  { specifier }: ModuleReference,
  modules: ReadonlyMap<string, SourceFacts>,
): string | undefined {
  if (!specifier.startsWith('.')) {
    if (row < PURE_ROWS && isBuiltin(specifier)) return `imports ${specifier}, but its layer is pure.`;
    return undefined;
  }
  const target = targetOf(path, specifier);
  const targetRow = rowOf(target);
  if (!modules.has(target)) return `imports ${specifier}, and there is no such module in src/.`;
  if (targetRow === undefined) return `imports ${target}, which has no row.`;
  const [from, to] = [layerOf(path), layerOf(target)];
  if (from === to) return undefined;
  if (targetRow > row) return `imports ${target}: upwards, from ${from} to ${to}.`;
  if (targetRow === row && !NEIGHBOURS_ALLOWED.has(`${from} -> ${to}`)) {
    return `imports ${target}: from ${from} to its neighbour ${to}.`;
  }
  if (to === 'daemon' && !DAEMON_FOR_FACES.test(target))
    return `imports ${target}: the inside of the daemon.`;
  return undefined;
}

/** Sources name their neighbours by the compiled file's name: `./x.js` is `./x.ts`. */
function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** Each cycle once, by depth-first search over the imports that run when a module loads, or carry its types. */
function cyclesIn(modules: ReadonlyMap<string, SourceFacts>): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (finished.has(path)) return;
    const seenAt = trail.indexOf(path);
    if (seenAt !== -1) {
      cycles.push(`${path} is part of a cycle: ${[...trail.slice(seenAt), path].join(' -> ')}.`);
      return;
    }
    for (const { kind, specifier } of modules.get(path)?.references ?? []) {
      if (kind !== 'started' && specifier.startsWith('.')) visit(targetOf(path, specifier), [...trail, path]);
    }
    finished.add(path);
  };
  for (const path of modules.keys()) visit(path, []);
  return cycles;
}
