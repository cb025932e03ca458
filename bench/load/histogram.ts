/**
 * Counts of latencies in log-linear buckets, as HdrHistogram has them: exact below 256 microseconds, and never wider
 * than 1/128 of their value above. Recording costs a few nanoseconds and no memory, however many values there are.
 */

/** Buckets per power of two. */
const halfSize = 128;
const subBucketBits = 7;
/** Values up to 2^32 us, 71 minutes; longer ones count as that. */
const largestUs = 2 ** 32 - 1;
const bucketCount = (32 - subBucketBits + 1) * halfSize;

/** The part of the recorded values, in per cent, that is at or below `us`. */
export interface Quantile {
  readonly percent: number;
  readonly us: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(bucketCount);
  #total = 0;
  #maxUs = 0;

  get total(): number {
    return this.#total;
  }

  /** The largest value, exactly. */
  get maxUs(): number {
    return this.#maxUs;
  }

  /** Takes one value in microseconds; what is negative counts as 0. */
  record(us: number): void {
    const whole = us <= 0 ? 0 : us >= largestUs ? largestUs : Math.floor(us);
    const bucket = bucketOf(whole);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total += 1;
    if (whole > this.#maxUs) this.#maxUs = whole;
  }

  /**
   * The smallest bucket bound (inclusive, in microseconds) at or below which `percent` of the values lie; at most 1/128
   * too large, never too small, and never above the maximum. NaN without values.
   */
  percentile(percent: number): number {
    if (this.#total === 0) return Number.NaN;
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(upperBound(bucket), this.#maxUs);
    }
    return this.#maxUs;
  }

  /** Adds what another one counted. */
  add(other: LatencyHistogram): void {
    other.#counts.forEach((count, bucket) => {
      this.#counts[bucket] = (this.#counts[bucket] as number) + count;
    });
    this.#total += other.#total;
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs);
  }

  /** Bucket numbers and counts in turn, empty buckets left out: what `histogramOf` takes. */
  serialize(): number[] {
    const flat = [this.#maxUs];
    this.#counts.forEach((count, bucket) => {
      if (count > 0) flat.push(bucket, count);
    });
    return flat;
  }

  /** Reads what `serialize` gave. Throws RangeError for anything else. */
  static deserialize([maxUs = 0, ...flat]: readonly number[]): LatencyHistogram {
    const histogram = new LatencyHistogram();
    for (let at = 0; at < flat.length; at += 2) {
      const [bucket = -1, count = -1] = flat.slice(at, at + 2);
      if (!Number.isInteger(bucket) || bucket < 0 || bucket >= bucketCount || !(count > 0))
        throw new RangeError('no histogram');
      histogram.#counts[bucket] = count;
      histogram.#total += count;
    }
    histogram.#maxUs = maxUs;
    return histogram;
  }
}

/** Of several values, each with the share of the recorded ones at or below it. */
export function quantiles(histogram: LatencyHistogram, percents: readonly number[]): Quantile[] {
  return percents.map((percent) => ({ percent, us: histogram.percentile(percent) }));
}

/** Below 256 a bucket a value; above, the seven bits behind the leading one choose among 128 buckets. */
function bucketOf(us: number): number {
  if (us < 2 * halfSize) return us;
  const shift = 31 - Math.clz32(us) - subBucketBits;
  return shift * halfSize + (us >>> shift);
}

/** The largest value of a bucket. */
function upperBound(bucket: number): number {
  if (bucket < 2 * halfSize) return bucket;
  const shift = Math.floor(bucket / halfSize) - 1;
  return (bucket - shift * halfSize + 1) * 2 ** shift - 1;
}
