/** `daemon.json`: the log's origin and the daemon's id, chosen once and kept with the state that they name. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { firstIssue } from '../format/statement.js';
import { parseJson } from '../format/strict-json.js';
import { makeDirectoryDurably, writeDurably } from '../log/durable-file.js';

/**
 * The identity cannot be had. `setting`: the configuration, or the file itself, has to be mended. `lost`: the log that the
 * file names is gone.
 */
export class IdentityError extends Error {
  readonly fault: 'setting' | 'lost';
  constructor(fault: 'setting' | 'lost', message: string) {
    super(message);
    this.name = 'IdentityError';
    this.fault = fault;
  }
}

/** Names that never change for a state directory. */
export interface DaemonIdentity {
  readonly origin: string;
  readonly daemonId: string;
}

const schema: z.ZodType<DaemonIdentity> = z.strictObject({
  origin: z.string().min(1).max(200),
  daemonId: z.string().min(1).max(200),
});

/**
 * Reads the identity, or makes one: `origin` as configured, else `writ.localhost/<random>`. Throws IdentityError
 * `setting` when the configured origin is not the one that the log in this state directory was made with, `lost` when that
 * log is gone.
 */
export async function ensureIdentity(
  stateDirectory: string,
  configuredOrigin: string | null,
  randomHex: () => string,
): Promise<DaemonIdentity> {
  const path = join(stateDirectory, 'daemon.json');
  const journal = join(stateDirectory, 'journal');
  const existing = await readIdentity(path);
  if (existing === null) {
    // First the directory: from now on its absence means that a log was lost.
    await makeDirectoryDurably(journal, 0o700);
    const made = {
      origin: configuredOrigin ?? `writ.localhost/${randomHex()}`,
      daemonId: `writd-${randomHex()}`,
    };
    await writeDurably(path, `${JSON.stringify(made, null, 2)}\n`);
    return made;
  }
  if (!existsSync(journal)) {
    throw new IdentityError(
      'lost',
      `${path} names the log ${existing.origin}, but ${journal} is missing: its entries are lost. ` +
        'Restore it from a backup; a log that starts again under the same key would be a fork',
    );
  }
  if (configuredOrigin !== null && configuredOrigin !== existing.origin) {
    throw new IdentityError(
      'setting',
      `the configuration names the log ${configuredOrigin}, but ${path} was made for ${existing.origin}; ` +
        'a log never changes its origin: correct the configuration or use another state directory',
    );
  }
  return existing;
}

/** Reads `daemon.json`; null when there is none. Throws IdentityError `setting`. */
export function findIdentity(stateDirectory: string): Promise<DaemonIdentity | null> {
  return readIdentity(join(stateDirectory, 'daemon.json'));
}

async function readIdentity(path: string): Promise<DaemonIdentity | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new IdentityError(
      'setting',
      `${path} cannot be read: ${firstIssue(parsed.error)}; restore it from a backup`,
    );
  return parsed.data;
}
