// Node's test runner over the files that it is told, each in a process of its own: what `npm test` starts behind the set-up.
// Unlike `node --test` it comes to an end even if a test hangs and leaves processes behind that hold our output open.

import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';

/** No file takes a quarter of it; what hangs is stopped and has failed. */
const fileLimitMs = 15 * 60_000;

let failed = false;
const events = run({ files: process.argv.slice(2), timeout: fileLimitMs });
events.on('test:fail', () => {
  failed = true;
});
const report = events.compose(new Spec());
report.on('end', () => process.exit(failed ? 1 : 0));
report.pipe(process.stdout);
