/**
 * Where in the source effects are requested, for the attributes `code.*` of attempts. Taking a stack
 * costs about 2 µs and reading it more than 100 µs, so a place is remembered by version, kind and
 * name, and looked at again from time to time.
 *
 * - SITE-1: as long as every look at an effect of one name has found one place, that place is shown
 *   for all of them. Once two places were found, only a place that was read for the very attempt is
 *   shown.
 * - SITE-2: reading stacks takes a bounded share of the time: {@linkcode PER_SECOND} a second. Of an
 *   effect that is requested very often, the stacks of a sample are taken (PACE-1 of `pace.ts`).
 *
 * @module
 */

import type { Attributes } from "@opentelemetry/api";
import type { RequestSite } from "../ports/telemetry.ts";
import { KindsAndNames } from "./kinds_and_names.ts";
import { Pace, Sample } from "./pace.ts";

/** How many stacks are read in a second, and at once (SITE-2). */
const PER_SECOND = 50;
const AT_ONCE = 200;

/** Every so many requests of an effect, its place is looked at again. */
const AGAIN = 256;

/** Of an effect's attempts, about so many a second have spans in any case. */
export const MOST_A_SECOND = 20;

/** The most effects that are remembered. */
const MOST = 10_000;

const EXECUTED = /^continuum:\/\/\/[0-9a-f]{64}(?:~\d+)?\/([^?]*)/;

/** The place of one effect. */
class Place {
  readonly requests: Sample;
  /** Chooses attempts that have a span in any case. */
  readonly attempts: Sample;
  attributes: Attributes | undefined;
  /** Whether effects of that name were found at several places. */
  isAmbiguous = false;
  /** Requests until the next look. */
  left = 0;

  constructor(pace: Pace) {
    this.requests = new Sample(pace, MOST_A_SECOND);
    this.attempts = new Sample(pace, MOST_A_SECOND);
  }

  wants(): boolean {
    return this.attributes === undefined || this.isAmbiguous
      ? this.requests.isDue()
      : --this.left <= 0;
  }
}

/** The places of effects of one version. */
export class SitesOfVersion {
  readonly #places = new KindsAndNames<Place>();
  readonly #sites: Sites;

  /** @param sites Those of all versions. */
  constructor(sites: Sites) {
    this.#sites = sites;
  }

  /** Whether the place of an effect is to be kept when it is requested. */
  wants(kind: string, name: string): boolean {
    if (kind !== "step" && kind !== "transaction" && kind !== "activity") return false;
    return this.#place(kind, name).wants();
  }

  /** Whether an attempt has a span in any case; one that is quick can go without otherwise. */
  isDue(kind: string, name: string): boolean {
    return this.#place(kind, name).attempts.isDue();
  }

  /**
   * The attributes of an attempt.
   *
   * @param kind The kind of effect.
   * @param name Its name.
   * @param stack Where it was requested, if that was kept.
   * @returns The attributes; `undefined`: the place is not known.
   */
  of(kind: string, name: string, stack: RequestSite | null): Attributes | undefined {
    const place = this.#place(kind, name);
    const isLook = place.attributes === undefined || place.isAmbiguous || place.left <= 0;
    const found = stack === null || !isLook || !this.#sites.mayRead()
      ? undefined
      : attributesOf(stack);
    if (found === undefined) return place.isAmbiguous ? undefined : place.attributes; // SITE-1
    place.isAmbiguous ||= place.attributes !== undefined && !isSame(place.attributes, found);
    place.attributes ??= found;
    place.left = AGAIN;
    return found;
  }

  #place(kind: string, name: string): Place {
    const known = this.#places.get(kind, name);
    if (known !== undefined) return known;
    if (!this.#sites.mayKeep()) return this.#sites.others;
    const place = new Place(this.#sites.pace);
    this.#places.set(kind, name, place);
    return place;
  }
}

/** The places of effects. */
export class Sites {
  /** Tells seconds apart. */
  readonly pace: Pace = new Pace();
  /** All effects beyond those that are remembered. */
  readonly others: Place = new Place(this.pace);
  readonly #versions = new Map<string, SitesOfVersion>();
  #kept = 0;
  #permits = AT_ONCE;
  #refilledAt = performance.now();

  constructor() {
    this.others.isAmbiguous = true;
  }

  /** Those of a version. */
  of(hash: string): SitesOfVersion {
    const known = this.#versions.get(hash);
    if (known !== undefined) return known;
    const made = new SitesOfVersion(this);
    if (this.mayKeep()) this.#versions.set(hash, made);
    return made;
  }

  /** Whether one more is remembered. */
  mayKeep(): boolean {
    return this.#kept < MOST && this.#kept++ < MOST;
  }

  /** Whether a stack may be read now (SITE-2). */
  mayRead(): boolean {
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
