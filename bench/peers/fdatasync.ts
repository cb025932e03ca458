/** What the disk asks for one durable append. */

import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { spreadOf } from '../report/spread.js';

const appendBytes = 4096;
const appends = 100;

/** Median microseconds of appending 4 KiB and fdatasync, in a new file of the directory. Blocks. */
export function fdatasyncMedianUs(directory: string): number {
  const path = join(directory, 'fdatasync');
  const file = openSync(path, 'wx');
  const page = Buffer.alloc(appendBytes, 'w');
  const samplesUs: number[] = [];
  try {
    for (let append = 0; append < appends; append++) {
      const startMs = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      samplesUs.push((performance.now() - startMs) * 1000);
    }
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
  return spreadOf(samplesUs).median;
}
