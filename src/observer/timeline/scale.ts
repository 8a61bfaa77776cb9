/**
 * Places times along the width of a timeline. A stretch in which a run only waits is cut out if it
 * is long, so that a step of milliseconds and a wait of days can both be seen.
 *
 * - SCALE-1: a later time is never left of an earlier one, and all are within the width.
 *
 * @module
 */

/** How wide a timeline is, in its own units. */
export const WIDTH = 1_000;

/** A stretch that takes more than this share of the whole is cut out if nothing happens in it. */
const IDLE_SHARE = 0.05;

/** How wide the mark of a stretch is that was cut out. */
const CUT_WIDTH = 40;

/** Cuts take at most this share of the width together. */
const CUTS_SHARE = 0.6;

/** How near two marks of time may stand. */
const TICK_ROOM = 90;

/** A stretch of time, in milliseconds since the epoch. */
export interface Stretch {
  /** When it begins. */
  readonly from: number;
  /** When it ends. */
  readonly to: number;
}

/** A stretch that was cut out, and where its mark is. */
export interface Cut extends Stretch {
  /** The left end of its mark. */
  readonly left: number;
  /** The right end. */
  readonly right: number;
}

/** Where times are along the width. */
export interface Scale {
  /** The first time. */
  readonly from: number;
  /** The last time. */
  readonly to: number;
  /** What was cut out, the earliest first. */
  readonly cuts: readonly Cut[];
  /**
   * Where a time is, from 0 to {@linkcode WIDTH}; a time before the first or after the last one is at
   * the end.
   *
   * @param time The time.
   */
  at(time: number): number;
}

/** A part of the width in which time passes evenly. */
interface Part extends Cut {
  readonly isCut: boolean;
}

/**
 * Makes a scale.
 *
 * @param moments All times at which something begins or ends.
 * @param busy When code runs: such a stretch is not cut out.
 * @param isWhole Whether nothing is cut out.
 */
export function scaleOf(
  moments: readonly number[],
  busy: readonly Stretch[],
  isWhole: boolean = false,
): Scale {
  const times = [...new Set(moments)].sort((a, b) => a - b);
  const [from, to] = [times[0] ?? 0, times.at(-1) ?? 0];
  const parts = partsOf(times, isWhole ? [{ from, to }] : joinedStretches(busy));
  return {
    from,
    to,
    cuts: parts.filter(({ isCut }) => isCut),
    at(time) {
      const part = partAt(parts, time);
      if (part === undefined || time <= from) return 0;
      if (time >= to) return WIDTH;
      const share = (time - part.from) / (part.to - part.from);
      return part.left + share * (part.right - part.left);
    },
  };
}

function partsOf(times: readonly number[], busy: readonly Stretch[]): Part[] {
  const total = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const gaps: (Stretch & { readonly isCut: boolean })[] = [];
  for (let index = 1; index < times.length; index++) {
    const [from, to] = [times[index - 1]!, times[index]!];
    const isCut = to - from > total * IDLE_SHARE && !isBusy(busy, from, to);
    const last = gaps.at(-1);
    // Neighbours of the same kind are one part, unless each is a wait of its own.
    if (last !== undefined && !isCut && !last.isCut) gaps[gaps.length - 1] = { ...last, to };
    else gaps.push({ from, to, isCut });
  }
  const cuts = gaps.filter(({ isCut }) => isCut).length;
  const shown = gaps.reduce((sum, { from, to, isCut }) => sum + (isCut ? 0 : to - from), 0);
  const cut = shown === 0 ? WIDTH / cuts : Math.min(CUT_WIDTH, WIDTH * CUTS_SHARE / cuts);
  let left = 0;
  return gaps.map((gap) => {
    const width = gap.isCut ? cut : (gap.to - gap.from) / shown * (WIDTH - cut * cuts);
    const part = { ...gap, left, right: left + width };
    left += width;
    return part;
  });
}

/** The part that a time is in, by halves. */
function partAt(parts: readonly Part[], time: number): Part | undefined {
  let [low, high] = [0, parts.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parts[middle]!.to < time) low = middle + 1;
    else high = middle;
  }
  return parts[low];
}

/** Stretches without overlaps, the earliest first. */
export function joinedStretches(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const next of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last === undefined || next.from > last.to) joined.push(next);
    else if (next.to > last.to) joined[joined.length - 1] = { from: last.from, to: next.to };
  }
  return joined;
}

/** Whether the whole of a stretch is busy: no time begins or ends within it. */
function isBusy(busy: readonly Stretch[], from: number, to: number): boolean {
  return busy.some((stretch) => stretch.from <= from && stretch.to >= to);
}

/** A mark on the axis. */
export interface Tick {
  /** Where it is. */
  readonly at: number;
  /** Milliseconds since the first time. */
  readonly offset: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps between marks, in milliseconds. */
const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000].map((count) => count * DAY),
];

/**
 * Marks at round offsets from the first time, outside of what was cut out.
 *
 * @param scale The scale.
 */
export function ticksOf({ from, to, cuts, at }: Scale): Tick[] {
  const shown = to - from - cuts.reduce((sum, cut) => sum + cut.to - cut.from, 0);
  const step = STEPS.find((each) => shown / each <= 8) ?? STEPS.at(-1)!;
  const ticks: Tick[] = [{ at: 0, offset: 0 }];
  const starts = [from, ...cuts.map((cut) => cut.to)];
  for (const [index, start] of starts.entries()) {
    const end = cuts[index]?.from ?? to;
    for (let time = from + Math.ceil((start - from) / step) * step; time < end; time += step) {
      const place = at(time);
      const isFree = place - ticks.at(-1)!.at >= TICK_ROOM && place <= WIDTH - TICK_ROOM &&
        cuts.every(({ left, right }) => place <= left - TICK_ROOM / 2 || place >= right);
      if (isFree) ticks.push({ at: place, offset: time - from });
    }
  }
  return ticks;
}
