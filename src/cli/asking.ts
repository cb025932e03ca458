/** What commands that talk to the daemon share: the connection's lifetime, and how a grant is shown. */

import type { WritClient } from '../client/client.js';
import type { Denied, GrantResult } from '../format/protocol.js';
import type { Trust } from '../format/trust.js';
import type { CliContext } from './context.js';
import { denialLines } from './denial-text.js';
import { type ExitCode, exitCodes } from './exit-code.js';
import type { Paint } from './output.js';

/** Connects, works, and closes the connection however the work ends. */
export async function withDaemon<Result>(
  context: CliContext,
  work: (client: WritClient) => Promise<Result>,
  trust?: Trust,
): Promise<Result> {
  const client = await context.connect(trust);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Shows a denial as a command's outcome. */
export function showDenied({ output }: CliContext, denied: Denied): ExitCode {
  output.result(denied, (paint) => denialLines(denied.denials, denied.evidence, paint));
  return exitCodes.denied;
}

/**
 * Shows what was granted or denied, and writes what was sealed to a file if one was named: the artifact, or the evidence
 * of the denial. `allowedLines` describes a grant.
 */
export async function showGrant(
  context: CliContext,
  result: GrantResult,
  file: string | undefined,
  allowedLines: (paint: Paint) => readonly string[],
): Promise<ExitCode> {
  const sealed = result.decision === 'allow' ? result : result.evidence;
  const written = file !== undefined && sealed !== null;
  if (written) {
    const { writeArtifact } = await import('./artifact-file.js');
    await writeArtifact(file, sealed.artifact);
  }
  if (result.decision === 'deny') {
    showDenied(context, result);
    if (written) context.output.note(`the evidence of this denial is in ${file}`);
    return exitCodes.denied;
  }
  context.output.result(result, allowedLines);
  return exitCodes.ok;
}
