/**
 * Names of users and groups, from /etc/passwd and /etc/group (passwd(5), group(5)): for policies and people, never as
 * identity, which is the numbers. Directory services are not asked: their answers can hang, and their ids give no name here.
 */

import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { errnoName } from '../kernel/errno.js';

/** An account file exists and cannot be read: names are unknown, and policies that need them must not be evaluated. */
export class AccountsError extends Error {
  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read: ${errnoName(cause) ?? String(cause)}`, { cause });
    this.name = 'AccountsError';
  }
}

/** Both files are read again when they have changed. */
export class Accounts {
  readonly #users: NameFile;
  readonly #groups: NameFile;

  constructor(passwdPath = '/etc/passwd', groupPath = '/etc/group') {
    this.#users = new NameFile(passwdPath);
    this.#groups = new NameFile(groupPath);
  }

  /** A text that is another one whenever a file has changed. Throws AccountsError. */
  version(): string {
    return `${this.#users.version()} ${this.#groups.version()}`;
  }

  /** The user's name, or null. Throws AccountsError. */
  userName(uid: number): string | null {
    return this.#users.names().get(uid) ?? null;
  }

  /** Names of those groups that have one, each once, in the order given. Throws AccountsError. */
  groupNames(gids: readonly number[]): readonly string[] {
    const names = this.#groups.names();
    return [...new Set(gids.flatMap((gid) => names.get(gid) ?? []))];
  }
}

/**
 * The names by number in a file of lines `name:password:number:...`. Like getpwuid(3), the first line of a number
 * counts. Lines of another form (comments, NIS entries) name nobody.
 */
export function parseNames(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, name, id] = /^([^:#+-][^:]*):[^:]*:(\d{1,10}):/.exec(line) ?? [];
    if (name === undefined || id === undefined || names.has(Number(id))) continue;
    names.set(Number(id), name);
  }
  return names;
}

class NameFile {
  readonly #path: string;
  #state = '';
  #names: ReadonlyMap<number, string> = new Map();

  constructor(path: string) {
    this.#path = path;
  }

  version(): string {
    return this.#guarded(() => stateOf(statSync(this.#path, { bigint: true })), 'none');
  }

  names(): ReadonlyMap<number, string> {
    return this.#guarded(() => {
      const state = this.version();
      if (state !== this.#state) {
        // Stat first: if the file changes in between, the next call reads it again.
        this.#names = parseNames(readFileSync(this.#path, 'utf8'));
        this.#state = state;
      }
      return this.#names;
    }, new Map());
  }

  /** A container without account files has numbers only. */
  #guarded<Result>(read: () => Result, absent: Result): Result {
    try {
      return read();
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') return absent;
      throw cause instanceof AccountsError ? cause : new AccountsError(this.#path, cause);
    }
  }
}

function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
