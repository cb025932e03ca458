#!/usr/bin/env node
/** `writ`: the composition root of the command line. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../state/locations.js';
import { exitCodes } from './exit-code.js';
import type { Channel } from './output.js';
import { kernelsView } from './own-process.js';
import { runCli } from './program.js';

function channelOf(stream: NodeJS.WriteStream): Channel {
  // Whoever reads us may stop early (writ log show | head): then there is nothing left to say.
  // Elsewhere, as on a full disk, what was to be said is lost, and no code may say that all is well.
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') return;
    if (stream === process.stdout)
      process.stderr.write(`writ: standard output cannot be written: ${cause.message}\n`);
    process.exit(exitCodes.fault);
  });
  const { NO_COLOR, TERM } = process.env;
  const colour = stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  return { write: (text) => void stream.write(text), colour };
}

function ownVersion(): string {
  const manifest: { readonly version?: unknown } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  );
  return typeof manifest.version === 'string' ? manifest.version : 'unknown';
}

process.exitCode = await runCli({
  words: process.argv.slice(2),
  environment: process.env,
  own: kernelsView,
  version: ownVersion(),
  standard: channelOf(process.stdout),
  error: channelOf(process.stderr),
});
