/** Where the clock of payloads starts: at what the log already says about time. */

import { parseInstant } from '../format/time.js';
import { readEntry } from '../log/entry-reader.js';
import type { RecoveredLog } from '../log/recovery.js';
import { PayloadClock } from '../state/payload-clock.js';
import type { LogViews } from '../state/views.js';
import { decodePayload, payloadTime } from '../verify/payload.js';
import type { Machine } from './machine.js';

/** The clock continues from the last logged time, and from the first trusted start of this boot. */
export async function openClock(
  machine: Machine,
  views: LogViews,
  recovered: RecoveredLog,
): Promise<PayloadClock> {
  const size = recovered.tree.size;
  const last = size === 0 ? null : await readEntry(recovered, size - 1);
  const floorMs =
    last === null ? 0 : parseInstant(payloadTime(decodePayload(last.payloadType, last.payload)));
  const start = views.stated.bootAnchor;
  const sameBoot = start !== null && start.boot === machine.fact('boot');
  const anchor = sameBoot
    ? { wallMs: parseInstant(start.time), bootTimeMs: start.bootTimeMs }
    : machine.readClocks();
  return new PayloadClock(() => machine.readClocks(), floorMs, anchor);
}
