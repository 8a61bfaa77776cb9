/**
 * Spans of time by their two largest units.
 *
 * @module
 */

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/**
 * A span of time: `2d 4h`, `1m 30s`, `1.5s`, `12ms`.
 *
 * @param ms Its length in milliseconds.
 */
export function spanText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 10_000) return `${Math.floor(ms / 100) / 10}s`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first]!;
  const count = Math.floor(ms / size);
  const [lesser, step] = UNITS[first + 1] ?? ["", Infinity];
  const rest = Math.floor((ms - count * size) / step);
  return rest > 0 ? `${count}${unit} ${rest}${lesser}` : `${count}${unit}`;
}
