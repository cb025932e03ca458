/** From a sealed action back to the request for it: what a redeemer presents, and what an answer is compared with. */

import type { Action, RequestedAction } from '../format/action.js';

/** The action as it is asked for, without the digests that the daemon measured. Null for a blob signature. */
export function requestedActionOf(action: Action): RequestedAction | null {
  switch (action.type) {
    case 'execute': {
      const { digests: _measured, ...requested } = action;
      return requested;
    }
    case 'tool':
      return action;
    case 'sign':
      return null;
  }
}
