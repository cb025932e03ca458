/** A wall clock that a test turns under a process: injected at the edge, where the process reads it. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Moves the wall clock of one process by as many milliseconds as a file says. */
const steppedClock = (file: string) => `
  import { readFileSync } from 'node:fs';
  const now = Date.now.bind(Date);
  Date.now = () => now() + Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
`;

/** NODE_OPTIONS of a process whose clock is moved by the milliseconds in the file `step` of this directory: none as yet. */
export async function steppedClockPreload(directory: string): Promise<string> {
  await writeFile(join(directory, 'step'), '0');
  await writeFile(join(directory, 'clock.mjs'), steppedClock(join(directory, 'step')));
  return `--import=${pathToFileURL(join(directory, 'clock.mjs')).href}`;
}
