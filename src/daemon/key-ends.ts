/** What the log has to say about keys that sign no more, and does not say yet. */

import { base64Encode } from '../format/base64.js';
import type { KeyRecord } from '../format/key-record.js';
import type { KeySuccession } from '../hsm/succession.js';
import type { LogViews } from '../state/views.js';

/** The content of a key record, without what every record starts with. */
export type KeyEndContent =
  | Pick<Extract<KeyRecord, { event: 'use' | 'retire' }>, 'event' | 'role' | 'publicKey'>
  | Pick<
      Extract<KeyRecord, { event: 'compromise' }>,
      'event' | 'role' | 'publicKey' | 'fromIndex' | 'toIndex'
    >;

/** The retirements and compromises that `keys.json` knows of and the log does not. */
export function keyEndsToLog({ retired, compromised }: KeySuccession, views: LogViews): KeyEndContent[] {
  return retired.flatMap(({ role, id, publicKey, final }) => {
    const key = base64Encode(publicKey);
    const logged = views.stated.keyEnds(key);
    const ends: KeyEndContent[] = [];
    if (!logged.some(({ event }) => event === 'retire')) ends.push({ event: 'retire', role, publicKey: key });
    const fromIndexes = compromised.filter((lost) => lost.id === id).map(({ fromIndex }) => fromIndex);
    const from = Math.min(...fromIndexes, final.size);
    const isLogged = logged.some((end) => end.event === 'compromise' && end.from <= from);
    if (fromIndexes.length > 0 && !isLogged)
      ends.push({ event: 'compromise', role, publicKey: key, fromIndex: from, toIndex: final.size });
    return ends;
  });
}
