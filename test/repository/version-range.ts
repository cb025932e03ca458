// Reads the few forms of version range that the lock file's `engines` use, and fails loudly on others:
// a range that is not understood must not count as admitted. Semantics: npm's node-semver.

type Version = readonly [major: number, minor: number, patch: number];

/**
 * Whether a range admits a version.
 * @param range alternatives by `||`; each a list of `>=1.2`, `>1`, `<=3`, `<4`, `^1.2.3`, `~1.2`, `1.x`, `1.2.3`, `*`
 * @param version `major.minor.patch`
 * @throws {Error} on any other form
 */
export function admits(range: string, version: string): boolean {
  const wanted = /^(\d+)\.(\d+)\.(\d+)$/.exec(version);
  if (wanted === null) throw new Error(`"${version}" is no version of the form major.minor.patch.`);
  const [, major = '', minor = '', patch = ''] = wanted;
  const parsed: Version = [Number(major), Number(minor), Number(patch)];
  return range.split('||').some((alternative) => comparators(alternative).every((holds) => holds(parsed)));
}

function comparators(alternative: string): ((version: Version) => boolean)[] {
  const joined = alternative.trim().replace(/(>=|<=|>|<|\^|~|=)\s+/g, '$1');
  return joined === '' ? [] : joined.split(/\s+/).map(comparator);
}

const COMPARATOR = /^(>=|<=|>|<|\^|~|=)?v?(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?$/i;

function comparator(text: string): (version: Version) => boolean {
  const match = COMPARATOR.exec(text);
  if (match === null)
    throw new Error(`The version range "${text}" has a form that this check does not know.`);
  const parts = [match[2], match[3], match[4]].map((part) =>
    /^\d+$/.test(part ?? '') ? Number(part) : undefined,
  );
  const [major, minor, patch] = parts;
  if (major === undefined) return () => true;
  const floor: Version = [major, minor ?? 0, patch ?? 0];
  const afterGiven =
    patch !== undefined ? increment(floor, 2) : increment(floor, minor !== undefined ? 1 : 0);
  // `^` keeps the first part that is not zero, or the last one given.
  const firstNonZero = floor.findIndex((part) => part > 0);
  const lastGiven = patch !== undefined ? 2 : minor !== undefined ? 1 : 0;
  const caretPart = firstNonZero === -1 ? lastGiven : firstNonZero;
  const between = (end: Version) => (version: Version) =>
    compare(version, floor) >= 0 && compare(version, end) < 0;
  switch (match[1]) {
    case '>=':
      return (version) => compare(version, floor) >= 0;
    case '>':
      return (version) => compare(version, afterGiven) >= 0;
    case '<':
      return (version) => compare(version, floor) < 0;
    case '<=':
      return (version) => compare(version, afterGiven) < 0;
    case '^':
      return between(increment(floor, caretPart));
    case '~':
      return between(increment(floor, minor === undefined ? 0 : 1));
    default:
      return between(afterGiven);
  }
}

function compare(left: Version, right: Version): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** The first version after all that share the parts up to and including the given one. */
function increment([major, minor, patch]: Version, part: number): Version {
  if (part === 0) return [major + 1, 0, 0];
  return part === 1 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}
