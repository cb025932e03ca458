/** Checks of the daemon as its callers meet it: the socket, who may use it, and whether a daemon answers. */

import { lstatSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { base64Encode } from '../../format/base64.js';
import { parseVerifierKey } from '../../format/note.js';
import { Accounts } from '../../identity/accounts.js';
import { errnoName } from '../../kernel/errno.js';
import { machineKind } from '../../kernel/virtual-machine.js';
import { type Deployment, mayDaemonRun } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { modeText, openAncestor } from './permissions.js';

export function checkSocket(deployment: Deployment): Finding[] {
  const { locations, ownerUid, daemon } = deployment;
  const { ok, failed, skipped, warning } = verdictsOf('socket');
  const { socketPath } = locations;
  const found = look(socketPath);
  if (found.file === null) {
    if (found.problem === 'EACCES') return [skipped(`this user may not look at ${socketPath}`)];
    if (found.problem !== null)
      return [failed(`${socketPath} cannot be looked at: ${found.problem}`, 'Correct socket.path.')];
    const directory = look(dirname(socketPath)).file;
    if (directory === null)
      return [
        failed(
          `the directory ${dirname(socketPath)} for the socket does not exist`,
          'Make it, owned by the daemon (systemd: RuntimeDirectory=writ), or change socket.path.',
        ),
      ];
    return [
      skipped(`there is no socket ${socketPath}; the daemon makes it when it starts`),
      ...group(deployment),
    ];
  }
  if (!found.file.isSocket())
    return [
      failed(
        `${socketPath} is a file and no socket, so writd cannot start`,
        'Remove it, or change socket.path.',
      ),
    ];
  const findings = [...group(deployment), ...access(deployment, found.file)];
  const ancestor = openAncestor(socketPath, ownerUid ?? found.file.uid, locations.stateDirectory);
  if (ancestor !== null)
    findings.push(
      failed(
        ancestor,
        'Put the socket where only root or the daemon can replace it: callers trust its name.',
      ),
    );
  if (daemon.daemon === 'absent' && !mayDaemonRun(deployment))
    findings.push(
      warning(
        `${socketPath} is left over from a daemon that has ended`,
        'Nothing: writd replaces it when it starts.',
      ),
    );
  return findings.length > 0 ? findings : [ok(`${socketPath}, mode ${modeText(found.file)}`)];
}

export function checkDaemon(deployment: Deployment): Finding[] {
  const { daemon, lock, locations, pins, version } = deployment;
  const { ok, failed, skipped, warning } = verdictsOf('daemon');
  switch (daemon.daemon) {
    case 'closed':
      return [skipped(daemon.problem)];
    case 'silent':
      return [
        failed(
          `something listens at ${locations.socketPath}, but not as a daemon does: ${daemon.problem}`,
          'Find out which process it is (ss -xlp); if it is writd, read its log, then restart it.',
        ),
      ];
    case 'absent':
      if (lock.lock === 'held')
        return [
          failed(
            `a process${lock.pid === null ? '' : ` (pid ${lock.pid})`} owns ${locations.stateDirectory}, but nobody listens at ${locations.socketPath}`,
            'It may be starting or stopping; otherwise it was given another socket (--socket), or hangs: read its log.',
          ),
        ];
      return [warning('no daemon runs', 'Start writd (in a checkout: npm start).')];
    case 'answers': {
      const { status } = daemon;
      const findings = status.troubles.map(({ code, message, remedy }) =>
        failed(`the daemon reports ${code}: ${message}`, remedy),
      );
      if (status.signer !== 'ready')
        findings.push(
          failed(
            `the daemon's signer process is ${status.signer}, so nothing is sealed`,
            "Look at the token's lines here and at the daemon's log; a signer that met a refused PIN starts again with the daemon.",
          ),
        );
      if (pins.pins === 'found') {
        const { log, artifact } = pins.pinned.keys;
        const isPinned =
          base64Encode(parseVerifierKey(status.log.vkey).publicKey) === base64Encode(log.publicKey) &&
          status.artifactKey === base64Encode(artifact.publicKey);
        if (!isPinned)
          findings.push(
            failed(
              'the daemon signs with other keys than keys.json pins',
              'It serves another state directory, or keys.json was replaced since it started: find out which.',
            ),
          );
      }
      if (status.version !== version)
        findings.push(
          warning(
            `the daemon is version ${status.version}, this command version ${version}`,
            'Restart writd after an update.',
          ),
        );
      if (status.vmGeneration === 'unavailable' && machineKind() === 'virtual')
        findings.push(
          warning(
            'the daemon cannot notice at once that this virtual machine was taken back to a snapshot while it ran',
            'docs/tpm.md says what that takes (a VMGENID device, and a daemon that may read the log of the kernel), and what to do without.',
          ),
        );
      const { watchdog } = status.runs;
      if (watchdog.state === 'ready' && watchdog.base === null)
        findings.push(
          warning(
            "the watchdog can make no control groups, so runs are held by PID namespaces alone, and only the daemon's own user's",
            'Mount cgroup2, and run the watchdog as root: by a daemon that is root, or as a service (docs/operating.md).',
          ),
        );
      if (findings.length > 0) return findings;
      return [ok(`${status.daemon} is ready since ${status.startedAt}; ${status.log.size} entries`)];
    }
  }
}

/** Mode and group of a socket that is there, against those that are configured. */
function access({ configuration, locations, ownerUid }: Deployment, socket: Stats): Finding[] {
  const { failed, warning } = verdictsOf('socket');
  if (configuration.read === 'no') return [];
  const { socketMode, socketGroup } = configuration.config;
  const findings: Finding[] = [];
  const { socketPath, stateDirectory } = locations;
  if ((socket.mode & 0o777) !== socketMode)
    findings.push(
      failed(
        `${socketPath} has mode ${modeText(socket)}, not ${modeText({ mode: socketMode })} as configured`,
        'Restart writd, which sets it, and find out who changed it.',
      ),
    );
  if (socketGroup !== null && socket.gid !== (groupId(socketGroup) ?? socket.gid))
    findings.push(
      failed(
        `${socketPath} belongs to group ${new Accounts().groupNames([socket.gid])[0] ?? socket.gid}, not to ${socketGroup} as configured`,
        'Restart writd, which sets it, and find out who changed it.',
      ),
    );
  const below = relative(stateDirectory, socketPath);
  const isInside = !below.startsWith('..') && ownerUid !== null;
  if (isInside && socketGroup !== null && (statSync(stateDirectory).mode & 0o010) === 0)
    findings.push(
      warning(
        `group ${socketGroup} cannot reach ${socketPath}: the state directory around it is closed`,
        'Put the socket elsewhere (socket.path), in a directory that the group may enter.',
      ),
    );
  return findings;
}

function group({ configuration }: Deployment): Finding[] {
  const name = configuration.read === 'yes' ? configuration.config.socketGroup : null;
  if (name === null || groupId(name) !== null) return [];
  return [
    verdictsOf('socket').failed(
      `there is no group ${name}, which shall own the socket, so writd cannot start`,
      `Create it (groupadd --system ${name}), or change socket.group.`,
    ),
  ];
}

/** Number of a group (group(5)); null when /etc/group does not name it. */
function groupId(name: string): number | null {
  const lines = readFileSync('/etc/group', 'utf8').split('\n');
  const id = lines.map((line) => line.split(':')).find(([first]) => first === name)?.[2];
  return id === undefined ? null : Number(id);
}

/** `problem`: the errno, for anything but that there is nothing. */
function look(path: string): { readonly file: Stats | null; readonly problem: string | null } {
  try {
    return { file: lstatSync(path), problem: null };
  } catch (cause) {
    const code = errnoName(cause);
    if (code === null) throw cause;
    return { file: null, problem: code === 'ENOENT' ? null : code };
  }
}
