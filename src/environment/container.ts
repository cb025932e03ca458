/**
 * Which container a process is in, as its control group's path suggests. The kernel knows no containers: engines name control
 * groups by habit, and whoever may make a control group may name it so. Hence `reported`, always. Pure.
 */

const id = '([0-9a-f]{64})';

/**
 * How engines name the control group of a container, most telling first: systemd's scopes (Docker, containerd's and CRI-O's
 * Kubernetes plug-ins, Podman), the same without systemd, LXC and systemd-nspawn.
 */
const habits: readonly (readonly [engine: string, path: RegExp])[] = [
  ['docker', new RegExp(`/docker-${id}\\.scope(?=/|$)`)],
  ['docker', new RegExp(`/docker/${id}(?=/|$)`)],
  ['containerd', new RegExp(`/cri-containerd-${id}\\.scope(?=/|$)`)],
  ['crio', new RegExp(`/crio-${id}(?:\\.scope)?(?=/|$)`)],
  ['podman', new RegExp(`/libpod-${id}(?:\\.scope)?(?=/|$)`)],
  ['kubernetes', new RegExp(`/kubepods(?:[./][^/]*)*/(?:pod[0-9a-f-]+/)?${id}(?=/|$)`)],
  ['lxc', /\/lxc\.payload\.([A-Za-z0-9][A-Za-z0-9_.-]{0,63})(?=\/|$)/],
  ['lxc', /^\/lxc\/([A-Za-z0-9][A-Za-z0-9_.-]{0,63})(?=\/|$)/],
  ['nspawn', /\/machine\.slice\/systemd-nspawn@([A-Za-z0-9\\_.-]{1,80})\.service(?=\/|$)/],
  ['nspawn', /\/machine\.slice\/machine-([A-Za-z0-9\\_.-]{1,80})\.scope(?=\/|$)/],
];

/** `<engine>:<id or name>`, or null for a path that names no container. Of nested containers the innermost is meant. */
export function containerOf(cgroup: string): string | null {
  let innermost: { readonly container: string; readonly start: number } | null = null;
  for (const [engine, path] of habits) {
    for (const match of cgroup.matchAll(new RegExp(path, 'g'))) {
      if (match[1] !== undefined && (innermost === null || match.index > innermost.start))
        innermost = { container: `${engine}:${match[1]}`, start: match.index };
    }
  }
  return innermost?.container ?? null;
}
