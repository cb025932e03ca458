/** Where a run leaves its report: JSON for programs, a page for people. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportPage } from './html.js';
import type { Report } from './model.js';

/** Writes `latest.json` and `latest.html` and returns their paths. */
export function writeReport(report: Report, directory: string): string[] {
  mkdirSync(directory, { recursive: true });
  const json = join(directory, 'latest.json');
  const page = join(directory, 'latest.html');
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(page, reportPage(report));
  return [json, page];
}
