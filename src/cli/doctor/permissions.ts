/** Who may do what with a file or directory, in words. */

import { accessSync, constants, existsSync, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Accounts } from '../../identity/accounts.js';
import { errnoName } from '../../kernel/errno.js';

const groupOrOtherWrite = 0o022;
const sticky = 0o1000;

/** Whether this user is kept from reading a file, or from looking into a directory: not so for one that does not exist. */
export function isClosed(path: string): boolean {
  try {
    const { R_OK, X_OK } = constants;
    accessSync(path, statSync(path).isDirectory() ? R_OK | X_OK : R_OK);
    return false;
  } catch (cause) {
    return errnoName(cause) === 'EACCES';
  }
}

/** As chmod(1) takes it, `0640`. */
export function modeText({ mode }: Pick<Stats, 'mode'>): string {
  return `0${(mode & 0o777).toString(8).padStart(3, '0')}`;
}

/** The name of a user with the number, or the number alone where it has none. */
export function userText(uid: number): string {
  const name = new Accounts().userName(uid);
  return name === null ? `uid ${uid}` : `${name} (uid ${uid})`;
}

/**
 * Whether somebody else than `ownerUid` and root may change what lies under a path's name, by any directory on the way to
 * it: the first such directory, and what is wrong with it. Null when nobody may.
 * @param judged a directory that has a check of its own: it and what is above it are left to that
 */
export function openAncestor(path: string, ownerUid: number, judged: string | null = null): string | null {
  const end = judged === null || !existsSync(judged) ? null : realpathSync(judged);
  for (let directory = dirname(realpathSync(path)); directory !== end; directory = dirname(directory)) {
    const { uid, mode } = statSync(directory);
    const isOpen = (mode & groupOrOtherWrite) !== 0 && (mode & sticky) === 0;
    if (isOpen) return `${directory} has mode ${modeText({ mode })}: others may replace what lies in it`;
    if (uid !== 0 && uid !== ownerUid)
      return `${directory} belongs to ${userText(uid)}, who may replace what lies in it`;
    if (directory === dirname(directory)) return null;
  }
  return null;
}

/** What is wrong with the owner or mode of a file that only `ownerUid` and root shall change; null when nothing is. */
export function fileTrouble(
  path: string,
  ownerUid: number,
): { readonly problem: string; readonly remedy: string } | null {
  const { uid, mode } = lstatSync(path);
  if (uid !== ownerUid && uid !== 0) {
    const problem = `${path} belongs to ${userText(uid)}, not to the owner of the state directory, ${userText(ownerUid)}`;
    return { problem, remedy: `Find out who put it there; if it is right, chown ${ownerUid} ${path}.` };
  }
  if ((mode & groupOrOtherWrite) === 0) return null;
  return {
    problem: `${path} has mode ${modeText({ mode })}: other users may change it`,
    remedy: `Check its content, then chmod go-w ${path}.`,
  };
}
