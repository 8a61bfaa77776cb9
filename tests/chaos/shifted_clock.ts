/**
 * Sets this process's clock wrong, by as many milliseconds as `CHAOS_SHIFT_MS` says. Import it
 * before anything that asks for the time.
 *
 * @module
 */

const shiftMs = Number(Deno.env.get("CHAOS_SHIFT_MS") ?? 0);

if (shiftMs !== 0) {
  const Real = Date;
  class ShiftedDate extends Real {
    constructor(...given: unknown[]) {
      super(...(given.length === 0 ? [ShiftedDate.now()] : given) as [number]);
    }
    static override now(): number {
      return Real.now() + shiftMs;
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor;
}
