/**
 * Shows times and spans of time to people.
 *
 * @module
 */

/** How tables show times. */
export type TimeStyle = "relative" | "local" | "utc" | "iso";

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/**
 * Shows a span of time by its largest unit, and the next one if it is short.
 *
 * @param ms Milliseconds.
 * @returns Such as `2d 4h`, `41s`, `12ms`.
 */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first]!;
  const count = Math.floor(ms / size);
  const [lesser, step] = UNITS[first + 1] ?? ["", Infinity];
  const rest = Math.floor((ms - count * size) / step);
  return count < 10 && rest > 0 ? `${count}${unit} ${rest}${lesser}` : `${count}${unit}`;
}

/**
 * Shows a time.
 *
 * @param iso The time as ISO writes it; `null` becomes `-`.
 * @param style How.
 * @param now Milliseconds since the epoch.
 */
export function time(iso: string | null, style: TimeStyle, now: number): string {
  if (iso === null) return "-";
  const date = new Date(iso);
  switch (style) {
    case "relative": {
      const ms = now - date.getTime();
      return ms >= 0 ? `${coarse(ms)} ago` : `in ${coarse(-ms)}`;
    }
    case "local":
      return Temporal.Instant.from(iso).toZonedDateTimeISO(Temporal.Now.timeZoneId())
        .toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " ");
    case "utc":
      return `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;
    case "iso":
      return date.toISOString();
  }
}

function coarse(ms: number): string {
  return span(ms).split(" ")[0]!;
}
