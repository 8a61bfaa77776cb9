/**
 * When the clocks of a time zone change.
 *
 * @module
 */

/** What is known of time zones. */
export interface TimeZones {
  /**
   * The next change of the clocks.
   *
   * @param after Milliseconds since the epoch; a change at that instant does not count.
   * @param timeZone The zone's name.
   * @param before Milliseconds since the epoch.
   * @returns The instant, in milliseconds since the epoch; `null`: there is none before `before`.
   */
  changeAfter(after: number, timeZone: string, before: number): number | null;
  /** How far the zone's clocks are ahead of UTC at an instant, in milliseconds. */
  offsetAt(instant: number, timeZone: string): number;
}

/** By `Temporal`, which Deno has. */
const BY_TEMPORAL: TimeZones = {
  changeAfter(after, timeZone, before) {
    const change = zoned(after, timeZone).getTimeZoneTransition("next");
    return change === null || change.epochMilliseconds >= before ? null : change.epochMilliseconds;
  },
  offsetAt: (instant, timeZone) => zoned(instant, timeZone).offsetNanoseconds / 1_000_000,
};

/** Clocks do not change twice within so many milliseconds. */
const STEP = 12 * 3_600_000;

/** By `Intl`, for clients on runtimes without `Temporal`. */
export const BY_INTL: TimeZones = {
  changeAfter(after, timeZone, before) {
    const offset = BY_INTL.offsetAt(after, timeZone);
    for (let from = after; from < before - 1; from += STEP) {
      let [low, high] = [from, Math.min(from + STEP, before - 1)];
      if (BY_INTL.offsetAt(high, timeZone) === offset) continue;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (BY_INTL.offsetAt(middle, timeZone) === offset) low = middle;
        else high = middle;
      }
      return high;
    }
    return null;
  },
  offsetAt(instant, timeZone) {
    const name = formatOf(timeZone).formatToParts(instant)
      .find(({ type }) => type === "timeZoneName")!.value;
    const [, sign, hours, minutes = "0", seconds = "0"] =
      /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
    if (sign === undefined) return 0; // GMT
    const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
    return sign === "-" ? -ms : ms;
  },
};

/** What this process knows of time zones. */
export const TIME_ZONES: TimeZones = "Temporal" in globalThis ? BY_TEMPORAL : BY_INTL;

function zoned(instant: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
    formats.set(timeZone, format);
  }
  return format;
}
