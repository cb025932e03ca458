/** Waits until a request is approved, and asks again: what `--wait-approval` does. */

import { setTimeout as pause } from 'node:timers/promises';
import type { WritClient } from '../client/client.js';
import type { GrantResult } from '../format/protocol.js';
import type { CliContext } from './context.js';

const pollMs = 1000;

/**
 * Asks; where approvals are demanded, waits for them and asks exactly the same again. The answer is the last one: a grant, or the
 * denial, where what waited expired meanwhile. `ask` must ask the same each time.
 */
export async function onceApproved(
  { output }: CliContext,
  client: WritClient,
  ask: () => Promise<GrantResult>,
): Promise<GrantResult> {
  const answer = await ask();
  if (answer.decision === 'allow' || answer.pending === undefined) return answer;
  const { id, expires } = answer.pending;
  const { demandText } = await import('./approval-text.js');
  output.note(`waiting until ${expires} for approvals: writ approve ${id}`);
  for (const demand of answer.pending.demands) output.note(`  ${demandText(demand)}`);
  for (;;) {
    await pause(pollMs);
    const waiting = await client.pending({ id });
    if (waiting.decision === 'deny') {
      output.note('the request waits no longer');
      return answer;
    }
    if (waiting.pending.state === 'approved') return ask();
  }
}
