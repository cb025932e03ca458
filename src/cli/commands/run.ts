/**
 * `writ run`, as far as Node has to do with it: the help page, and what is wrong with a command line. Runs themselves are started by
 * the native launcher (native/run/), which hands everything else on to here; it reads the same options.
 */

import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import { addAnchorOption, addAuthorizeOptions, positiveInteger, resourceLimits } from '../option-values.js';

export const define: Define = (command, act) => {
  const positional = command.argument('<command...>', 'the command, behind --').passThroughOptions();
  addAnchorOption(addAuthorizeOptions(positional))
    .option(
      '--run-seconds <seconds>',
      'how long the run may last (the policy has the last word)',
      positiveInteger,
    )
    .addOption(
      command
        .createOption('--confine <how>', 'tree: nothing outlives the run; best-effort: as far as possible')
        .choices(['tree', 'best-effort']),
    )
    .option(
      '--limit <limits>',
      'bounds: cpu=SECONDS, memory=BYTES, processes=N, files=N, file-size=BYTES, parted by commas; bytes may end in K, M, G or T',
      resourceLimits,
    )
    .option('--wait-approval', 'where approvals are needed, wait for them')
    .option('--trust <file>', 'the pinned trust bundle (otherwise trust.json in the state directory)')
    .addHelpText(
      'after',
      examples(
        'writ run -- /bin/echo hello',
        'writ run --agent builder --ticket OPS-1 -- make release',
        'writ run --descend none --limit memory=1G,cpu=60 -- ./analyse data.csv',
      ),
    );
  act(() => {
    throw new UsageError(
      'writ run needs its launcher, native/build/Release/writ-run, and Linux. Build it (npm run build), and start writ itself ' +
        'rather than dist/src/cli/main.js',
    );
  });
};
