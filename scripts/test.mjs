// `npm test`: set-up, build, and Node's own test runner over every compiled test file.
// `npm test -- hash verify/` runs only the files whose path below test/ contains one of the words.

import { relative } from 'node:path';
import { runNode } from './foreground.mjs';
import { inCheckout, ROOT } from './setup/checkout.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { prepareCheckout } from './setup/prepare.mjs';
import { filesBelow } from './setup/stamp.mjs';

const TESTS = inCheckout('dist', 'test');

await runMain(async () => {
  const words = process.argv.slice(2);
  await prepareCheckout({ tests: true });
  const files = testFiles(words);
  return runNode(
    ['--enable-source-maps', inCheckout('scripts', 'test-files.mjs'), ...files],
    testEnvironment(),
  );
});

function testFiles(words) {
  const all = filesBelow(TESTS).filter((path) => path.endsWith('.test.js'));
  const chosen = all.filter((path) => {
    const name = relative(TESTS, path);
    return words.length === 0 || words.some((word) => name.includes(word));
  });
  if (chosen.length === 0) {
    throw new SetupFailure(
      words.length === 0
        ? `There is no test file in ${TESTS}, so nothing was tested.`
        : `None of the ${all.length} test files has ${words.map((word) => `"${word}"`).join(' or ')} in its path, so nothing was tested.`,
    );
  }
  return chosen.map((path) => relative(ROOT, path));
}

/** The tests make their own state; a daemon that this user runs must not be touched by them. */
function testEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WRIT_')));
}
