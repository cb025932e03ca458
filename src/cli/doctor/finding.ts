/** What a check of a deployment found: one sentence, and where something is to be mended, how. */

/** What is looked at, in the order of the report. */
export const checkNames = [
  'versions',
  'configuration',
  'policy',
  'state',
  'keys file',
  'trust',
  'socket',
  'daemon',
  'token',
  'PIN',
  'keys',
  'TPM',
  'disk',
  'log',
  'clock',
  'kernel',
] as const;

export type CheckName = (typeof checkNames)[number];

/**
 * `ok`: looked at, and as it should be. `warning`: works, but not as it should. `failed`: something does not work, or
 * protects nothing. `skipped`: not looked at; the message says why. Messages are clauses without a full stop.
 */
export type Finding =
  | {
      readonly check: CheckName;
      readonly outcome: 'ok' | 'skipped';
      readonly message: string;
      readonly remedy: null;
    }
  | {
      readonly check: CheckName;
      readonly outcome: 'warning' | 'failed';
      readonly message: string;
      readonly remedy: string;
    };

export type Outcome = Finding['outcome'];

/** Makes the findings of one check. */
export interface Verdicts {
  ok(message: string): Finding;
  skipped(message: string): Finding;
  warning(message: string, remedy: string): Finding;
  failed(message: string, remedy: string): Finding;
}

export function verdictsOf(check: CheckName): Verdicts {
  return {
    ok: (message) => ({ check, outcome: 'ok', message, remedy: null }),
    skipped: (message) => ({ check, outcome: 'skipped', message, remedy: null }),
    warning: (message, remedy) => ({ check, outcome: 'warning', message, remedy }),
    failed: (message, remedy) => ({ check, outcome: 'failed', message, remedy }),
  };
}
