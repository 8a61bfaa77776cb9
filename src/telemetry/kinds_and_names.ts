/**
 * Things by the kind and the name of an effect. Two look-ups are faster than making a text of both.
 *
 * @module
 */

/** Things by kind and name. */
export class KindsAndNames<Thing> {
  readonly #kinds = new Map<string, Map<string, Thing>>();

  /** The thing; `undefined`: there is none. */
  get(kind: string, name: string): Thing | undefined {
    return this.#kinds.get(kind)?.get(name);
  }

  /** Keeps a thing. */
  set(kind: string, name: string, thing: Thing): void {
    let names = this.#kinds.get(kind);
    if (names === undefined) this.#kinds.set(kind, names = new Map());
    names.set(name, thing);
  }
}
