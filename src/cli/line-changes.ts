/** The lines of two texts as one list: which went, which came, which stayed. Texts are short: policies, not books. */

export interface LineChange {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** Beyond so many pairs of lines the longest common part is not searched: everything went, and everything came. */
const maxPairs = 4_000_000;

/** By the longest common subsequence of lines; an empty text has no line. */
export function lineChanges(before: string, after: string): readonly LineChange[] {
  const older = before === '' ? [] : before.split('\n');
  const newer = after === '' ? [] : after.split('\n');
  const common = older.length * newer.length > maxPairs ? null : commonLengths(older, newer);
  const changes: LineChange[] = [];
  let [from, to] = [0, 0];
  while (from < older.length || to < newer.length) {
    const [gone, come] = [older[from], newer[to]];
    if (common !== null && gone !== undefined && gone === come) {
      changes.push({ sign: ' ', text: gone });
      from++;
      to++;
    } else if (gone !== undefined && (come === undefined || isBetterGone(common, from, to))) {
      changes.push({ sign: '-', text: gone });
      from++;
    } else if (come !== undefined) {
      changes.push({ sign: '+', text: come });
      to++;
    }
  }
  return changes;
}

function isBetterGone(common: readonly Uint32Array[] | null, from: number, to: number): boolean {
  return (common?.[from + 1]?.[to] ?? 0) >= (common?.[from]?.[to + 1] ?? 0);
}

/** At [i][j], how many lines the texts from line i and from line j on have in common, in order. */
function commonLengths(older: readonly string[], newer: readonly string[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: older.length + 1 }, () => new Uint32Array(newer.length + 1));
  for (let from = older.length - 1; from >= 0; from--) {
    const [row, below] = [lengths[from], lengths[from + 1]];
    if (row === undefined || below === undefined) continue;
    for (let to = newer.length - 1; to >= 0; to--)
      row[to] =
        older[from] === newer[to] ? (below[to + 1] ?? 0) + 1 : Math.max(below[to] ?? 0, row[to + 1] ?? 0);
  }
  return lengths;
}
