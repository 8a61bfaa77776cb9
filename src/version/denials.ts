/**
 * The denials of the database, in this process's memory.
 *
 * - DENIAL-1: a version that is denied is not loaded, and one in memory is not handed out again. What
 *   runs of it leaves at the end of its turn (`engine/engine.ts`).
 * - DENIAL-2: a load is refused by what the database says, and a run is revived by what it says: a
 *   process may be notified of a denial, or of its end, later than others.
 *
 * @module
 */

import type { DenialList, DenialStore, ListedDenial } from "../ports/denials.ts";
import { VersionDeniedError } from "./load_errors.ts";

const NONE: DenialList = { stamp: "", denials: [] };

/** The denials that this process knows; looking one up asks no database. */
export class Denials {
  readonly #store: Pick<DenialStore, "list"> | undefined;
  #list = NONE;
  #byVersion: ReadonlyMap<string, ListedDenial> = new Map();
  #reading: Promise<void> | undefined;
  #isStale = false;

  /** @param store Where they are; none when omitted: then nothing is denied. */
  constructor(store: Pick<DenialStore, "list"> | undefined) {
    this.#store = store;
  }

  /** Differs whenever the denials differ. */
  get stamp(): string {
    return this.#list.stamp;
  }

  /** Reads the denials; a call during a read makes it read once more. */
  async refresh(): Promise<void> {
    this.#isStale = true;
    await (this.#reading ??= this.#read().finally(() => this.#reading = undefined));
  }

  /**
   * Finds the denial of a version.
   *
   * @param hash The version.
   * @param manifest Its manifest's text, if it may be registered later than the denials were read.
   * @returns The oldest denial of it or of one of its modules.
   */
  of(hash: string, manifest?: string): ListedDenial | undefined {
    const { denials } = this.#list;
    if (denials.length === 0) return undefined;
    return this.#byVersion.get(hash) ??
      denials.find(({ sha256 }) => sha256 === hash || manifest?.includes(`\nmember ${sha256} `));
  }

  /**
   * Refuses a version that an operator has denied, as far as this process knows.
   *
   * @param hash The version.
   * @param task What it is needed for: `start a run`.
   * @throws {VersionDeniedError} When it is denied.
   */
  demandAllowed(hash: string, task: string): void {
    const denial = this.of(hash);
    if (denial !== undefined) throw new VersionDeniedError(hash, task, denial);
  }

  async #read(): Promise<void> {
    while (this.#isStale && this.#store !== undefined) {
      this.#isStale = false;
      this.#list = await this.#store.list();
      const { denials } = this.#list;
      this.#byVersion = new Map(
        denials.toReversed().flatMap((denial) =>
          denial.versions.map((hash) => [hash, denial] as const)
        ),
      );
    }
  }
}
