/**
 * The attributes of metrics of attempts. They are made once for each effect, since making them would
 * take longer than recording them.
 *
 * @module
 */

import type { Attributes } from "@opentelemetry/api";

/** The most effects whose attributes are kept. */
const MOST = 10_000;

/** The attributes of attempts without an error, by effect. */
export class AttemptLabels {
  readonly #byWorkflow = new Map<string, Map<string, Map<string, Attributes>>>();
  #kept = 0;

  /**
   * The attributes of an effect.
   *
   * @param workflow Names its workflow, and its version where metrics name that.
   * @param kind Its kind.
   * @param name Its name.
   * @param make Makes them.
   */
  of(workflow: string, kind: string, name: string, make: () => Attributes): Attributes {
    const known = this.#byWorkflow.get(workflow)?.get(kind)?.get(name);
    if (known !== undefined) return known;
    const made = make();
    if (this.#kept < MOST) {
      this.#kept++;
      const kinds = entry(
        this.#byWorkflow,
        workflow,
        () => new Map<string, Map<string, Attributes>>(),
      );
      entry(kinds, kind, () => new Map<string, Attributes>()).set(name, made);
    }
    return made;
  }
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
