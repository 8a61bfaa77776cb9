/**
 * Where in the source effects are requested, for the attributes `code.*` of attempts. Taking a stack
 * costs about 2 µs and reading it more than 100 µs, so a place is remembered by version, kind and
 * name, and looked at again from time to time.
 *
 * - SITE-1: as long as every look at an effect of one name has found one place, that place is shown
 *   for all of them. Once two places were found, only a place that was read for the very attempt is
 *   shown.
 * - SITE-2: reading stacks takes a bounded share of the time: {@linkcode PER_SECOND} a second.
 *
 * @module
 */

import type { Attributes } from "@opentelemetry/api";
import type { RequestSite } from "../ports/telemetry.ts";

/** How many stacks are read in a second, and at once (SITE-2). */
const PER_SECOND = 50;
const AT_ONCE = 200;

/** Every so many requests of an effect, its place is looked at again. */
const AGAIN = 256;

/** The most effects that are remembered. */
const MOST = 10_000;

const EXECUTED = /^continuum:\/\/\/[0-9a-f]{64}(?:~\d+)?\/([^?]*)/;

interface Known {
  attributes: Attributes;
  /** Whether effects of that name were found at several places. */
  isAmbiguous: boolean;
  /** Requests until the next look. */
  left: number;
}

/** The places of effects. */
export class Sites {
  readonly #known = new Map<string, Known>();
  #permits = AT_ONCE;
  #refilledAt = performance.now();

  /** Whether the place of an effect is to be kept when it is requested. */
  wants(hash: string, kind: string, name: string): boolean {
    if (kind !== "step" && kind !== "transaction" && kind !== "activity") return false;
    const known = this.#known.get(keyOf(hash, kind, name));
    return known === undefined || known.isAmbiguous || --known.left <= 0;
  }

  /**
   * The attributes of an attempt.
   *
   * @param hash The version of its run.
   * @param kind The kind of effect.
   * @param name Its name.
   * @param stack Where it was requested, if that was kept.
   * @returns The attributes; `undefined`: the place is not known.
   */
  of(
    hash: string,
    kind: string,
    name: string,
    stack: RequestSite | null,
  ): Attributes | undefined {
    const key = keyOf(hash, kind, name);
    const known = this.#known.get(key);
    const isDue = known === undefined || known.isAmbiguous || known.left <= 0;
    if (stack === null || !isDue || !this.#mayRead()) return shown(known);
    const attributes = attributesOf(stack);
    if (attributes === undefined) return shown(known);
    if (known === undefined) {
      if (this.#known.size < MOST) {
        this.#known.set(key, { attributes, isAmbiguous: false, left: AGAIN });
      }
    } else {
      known.left = AGAIN;
      known.isAmbiguous ||= !isSame(known.attributes, attributes); // SITE-1
    }
    return attributes;
  }

  /** SITE-2 */
  #mayRead(): boolean {
    const now = performance.now();
    this.#permits = Math.min(
      AT_ONCE,
      this.#permits + (now - this.#refilledAt) / 1_000 * PER_SECOND,
    );
    this.#refilledAt = now;
    if (this.#permits < 1) return false;
    this.#permits--;
    return true;
  }
}

function keyOf(hash: string, kind: string, name: string): string {
  return `${hash}/${kind}/${name}`;
}

/** SITE-1 */
function shown(known: Known | undefined): Attributes | undefined {
  return known === undefined || known.isAmbiguous ? undefined : known.attributes;
}

function isSame(a: Attributes, b: Attributes): boolean {
  return a["code.file.path"] === b["code.file.path"] &&
    a["code.line.number"] === b["code.line.number"];
}

/** The path is that of the module in its version; of other modules, it is their URL. */
function attributesOf({ site }: RequestSite): Attributes | undefined {
  if (site === null) return undefined;
  return { "code.file.path": pathOf(site.file), "code.line.number": site.line };
}

function pathOf(file: string): string {
  const [, path] = EXECUTED.exec(file) ?? [];
  if (path === undefined) return file;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
