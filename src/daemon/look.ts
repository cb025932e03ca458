/** One look at the machine, shared by the requests that it is for. */

import type { DigestSet } from '../format/digest-set.js';
import type { Accounts } from '../identity/accounts.js';
import type { PeerConnection } from '../identity/peer.js';
import type { ProcessExtraNames } from '../kernel/process-facts.js';

/**
 * What one look at the machine showed, for all requests that had arrived when it was taken. Processes that made several
 * connections are looked at once.
 */
export class Look {
  readonly #accounts: Accounts;
  readonly #extras: ProcessExtraNames;
  readonly #glances = new Map<string, string | null>();
  readonly #digests = new Map<string, DigestSet | null>();
  #accountsVersion: string | null = null;

  constructor(accounts: Accounts, extras: ProcessExtraNames) {
    this.#accounts = accounts;
    this.#extras = extras;
  }

  glance(connection: PeerConnection): string | null {
    const { pid, startTime } = connection.facts;
    const process = `${pid} ${startTime}`;
    const known = this.#glances.get(process);
    if (known !== undefined) return known;
    const glance = connection.glance(this.#extras);
    this.#glances.set(process, glance);
    return glance;
  }

  /** Digests of the file at a path, by `read` when first asked. */
  digests(path: string, read: (path: string) => DigestSet | null): DigestSet | null {
    const known = this.#digests.get(path);
    if (known !== undefined) return known;
    const digests = read(path);
    this.#digests.set(path, digests);
    return digests;
  }

  /** Throws AccountsError. */
  get accountsVersion(): string {
    this.#accountsVersion ??= this.#accounts.version();
    return this.#accountsVersion;
  }
}
