/**
 * What came of importing a module, in a form that can be compared.
 *
 * @module
 */

/** What a module showed. */
export interface Outcome {
  /** Its default export. */
  readonly value: string;
  /** What it said, in order. */
  readonly seen: readonly string[];
  /** What importing it threw. */
  readonly error: string | null;
}

/** Imports, and tells. */
export async function outcomeOf(
  load: () => Promise<Readonly<Record<string, unknown>>>,
): Promise<Outcome> {
  const seen: string[] = [];
  const show = (value: unknown) => Deno.inspect(value, { depth: 8, sorted: false });
  Object.assign(globalThis, {
    say: (...all: unknown[]) => void seen.push(all.map(show).join(" ")),
  });
  try {
    const { default: given } = await load();
    const value = show(typeof given === "function" ? await given() : given);
    return { value, seen, error: null };
  } catch (error) {
    const told = error instanceof Error ? `${error.name}: ${error.message}` : show(error);
    return { value: "", seen, error: told };
  }
}
