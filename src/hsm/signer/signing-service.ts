/** Judges each request, then signs it: the only code that puts bytes in front of the two keys. */

import { formatCheckpoint } from '../../format/checkpoint.js';
import { pae } from '../../format/dsse.js';
import { decodeStatement, maxStatementBytes, statementPayloadType } from '../../format/statement.js';
import { utf8Encode } from '../../format/utf8.js';
import { faultOf, HsmError, type HsmFault, hsmFault } from '../faults.js';
import { swapWarning } from '../pkcs11/pin.js';
import { type KeyRole, type TokenAccess, tokenName } from '../token-access.js';
import { type History, provenHistory, refusalOf } from './checkpoint-guard.js';
import type { SignerStart, SigningAnswer, SigningRequest } from './protocol.js';
import { TokenSession } from './token-session.js';

export class SigningService {
  readonly #token: TokenSession;
  readonly #name: string;
  readonly #benchDelayMs: number;
  #history: History;

  /** Throws HsmError: `bad-floor`, or any fault of a module, token, PIN or key. */
  constructor({ access, keys, origin, floor, retired, mayAsk, benchDelayMs }: SignerStart) {
    if (access.pin.type === 'prompt' && !mayAsk) throw new HsmError(unasked(access));
    this.#token = new TokenSession(access, keys);
    this.#name = tokenName(access.token);
    this.#benchDelayMs = benchDelayMs;
    this.#history = provenHistory(origin, this.#token.verifiers.log, floor, retired);
  }

  /** What the daemon's operator should know of the start. */
  get warnings(): readonly string[] {
    return this.#token.keptFromSwap ? [] : [swapWarning];
  }

  /** Answers one request; blocks while the token works. */
  answer(request: SigningRequest): SigningAnswer {
    switch (request.type) {
      case 'checkpoint': {
        const { checkpoint } = request;
        const reason = refusalOf(checkpoint, this.#history);
        if (reason !== null) return { type: 'refused', reason };
        const answer = this.#sign('log', utf8Encode(formatCheckpoint(checkpoint)));
        if (answer.type === 'signed') this.#history = { ...this.#history, newest: checkpoint };
        return answer;
      }
      case 'statement': {
        const reason = refusalOfStatement(request.payloadType, request.payload);
        if (reason !== null) return { type: 'refused', reason };
        return this.#sign('artifact', pae(request.payloadType, request.payload));
      }
    }
  }

  /** Logs out and unloads the module. */
  close(): void {
    this.#token.close();
  }

  /** A failed signature is not tried again here: the caller learns of it while the keys are found anew. */
  #sign(role: KeyRole, message: Uint8Array): SigningAnswer {
    sleep(this.#benchDelayMs);
    try {
      return { type: 'signed', signature: this.#token.sign(role, message) };
    } catch (cause) {
      const fault = faultOf(cause, this.#name);
      try {
        this.#token.rebind();
        return { type: 'unavailable', fault, process: 'continues' };
      } catch (lasting) {
        return { type: 'unavailable', fault: faultOf(lasting, this.#name), process: 'ends' };
      }
    }
  }
}

function unasked({ token }: TokenAccess): HsmFault {
  const message = `the signer process of ${tokenName(token)} ended, and its PIN is asked for only when writd starts`;
  return hsmFault('pin-prompt', message);
}

function refusalOfStatement(payloadType: string, payload: Uint8Array): string | null {
  if (payloadType !== statementPayloadType) return `its payload type is not ${statementPayloadType}`;
  if (payload.length > maxStatementBytes) return `it is longer than ${maxStatementBytes} bytes`;
  try {
    decodeStatement(payload);
    return null;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Blocks this process, as a slow token would. */
function sleep(durationMs: number): void {
  if (durationMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
