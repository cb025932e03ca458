/** Entry point of a process that loads the policy bundle in the directory that it is told, reports on it, and ends. */

import { z } from 'zod';
import { loadBundle } from './bundle.js';
import { PolicyBundleError } from './bundle-error.js';
import type { BundleReport } from './bundle-report.js';

async function report(directory: string): Promise<BundleReport> {
  try {
    const { name, version, digest } = await loadBundle(directory);
    return { bundle: 'sound', name, version, digest };
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    const { file, problem, remedy } = cause;
    return { bundle: 'unsound', problem: `${file}: ${problem}`, remedy };
  }
}

process.once('message', (message: unknown) => {
  const directory = z.string().parse(message);
  void report(directory).then((answer) => process.send?.(answer, () => process.disconnect()));
});
