/** Who may approve, and how many approvals it takes: what a policy bundle says of it, as plain data. */

/** A person. `keys` are base64 of raw 32-byte Ed25519 public keys; `uid`, where given, is the user whose requests are this person's own. */
export interface Approver {
  readonly keys: readonly string[];
  readonly uid: number | null;
}

/** The people by name, and groups of them. No key and no uid belongs to two of them. */
export interface Approvers {
  readonly people: ReadonlyMap<string, Approver>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** So many different people of this group must have approved. */
export interface ApprovalDemand {
  readonly group: string;
  readonly approvals: number;
}

export const nobody: Approvers = { people: new Map(), groups: new Map() };

/** So many approvals may be demanded of one group: each stands in the artifact, whose size is bounded. */
export const maxApprovals = 8;

/**
 * Several demands as one list: of each group the largest, by the group's name. Every one of them must be met; so a policy that
 * demands nothing, or less, never takes away what another one demands.
 */
export function strictestDemands(demands: readonly ApprovalDemand[]): readonly ApprovalDemand[] {
  const largest = new Map<string, number>();
  for (const { group, approvals } of demands)
    largest.set(group, Math.max(approvals, largest.get(group) ?? 0));
  return [...largest]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([group, approvals]) => ({ group, approvals }));
}
