/** Secrets of known content, for tests: through a file, the one way in that the addon has. */

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSecret, type Secret } from '../../src/kernel/secret.js';

/** The secret whose bytes are those of a text of one line. */
export function secretOf(text: string): Secret {
  const directory = mkdtempSync(join(tmpdir(), 'writ-secret-'));
  try {
    const path = join(directory, 'secret');
    writeFileSync(path, text);
    const file = openSync(path, 'r');
    try {
      const secret = readSecret(file);
      if (secret === null) throw new Error('no text of one line');
      return secret;
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
