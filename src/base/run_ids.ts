/**
 * Ids of runs, and the ids that the engine derives from them.
 *
 * A run that the engine starts by itself is named `<parent's id>>...`, with {@linkcode SEPARATOR}
 * between:
 *
 * | id                                      | of                                                    |
 * | --------------------------------------- | ----------------------------------------------------- |
 * | `order-1>3.k9x2ab`                      | the child that effect 3 of run `order-1` starts       |
 * | `report>2026-03-29T01:00:00.000Z`       | the run that a schedule fires at that time            |
 * | `report>2026-03-29T01:00:00.000Z.manual`| one that was triggered by hand                        |
 * | `order-1>fork.4f0c2ab9d1e3`             | a fork of run `order-1` whose id was not given            |
 * | `order-1>was.71`                        | the previous run `order-1`, after another took its id |
 *
 * - RUNID-1, bounded: the part after the root has at most 64 characters, however long the chain of
 *   parents; a longer one is replaced by a digest (`order-1>~...`).
 * - RUNID-2, of the parent alone: an id depends on the parent's id, the seed of the parent's
 *   generation and the place in program order, and on no setting of a node and no clock. The digest
 *   of the seed (`k9x2ab`) distinguishes generations, and two successive runs with the same id.
 * - RUNID-3, no collision: an id that a caller gives may contain the separator, as ids derived from
 *   `ctx.runId` do, but does not end like one that the engine makes.
 * - RUNID-4, one root: all runs that descend from a run share its root, the part before the first
 *   separator.
 *
 * @module
 */

import { digestText } from "./digest.ts";

/** Separates, in an id, a run or a schedule from what it started. */
export const SEPARATOR = ">";

/** The longest id that a caller may give, in characters. */
export const MAX_GIVEN_ID = 255;

/** RUNID-1: the longest text after a root. */
const MAX_PATH = 64;

/** The longest id of a run, in characters. */
export const MAX_RUN_ID: number = MAX_GIVEN_ID + SEPARATOR.length + MAX_PATH;

/** RUNID-3: how ids that the engine makes end. */
const ENGINE_MADE =
  />(\d+\.[0-9a-z]+|[-+\d]+-\d\d-\d\dT[\d:.]+Z(\.manual)?|~[0-9a-z]+(\.[0-9a-z]+){3}|was\.\d+|fork\.[0-9a-f]+)$/;

/** The id of a run that a schedule started. */
const FIRING = /^(.+)>([-+\d]+-\d\d-\d\dT[\d:.]+Z)(\.manual)?$/;

/** What the id of a child depends on. */
export interface ChildIdParent {
  /** The parent's id. */
  readonly runId: string;
  /** The seed of the parent's generation. */
  readonly seed: string;
}

/**
 * The id of a run that an effect starts: the same on every replay.
 *
 * @param parent The run.
 * @param position The effect's place in program order.
 * @returns At most {@linkcode MAX_RUN_ID} characters.
 */
export function effectId({ runId, seed }: ChildIdParent, position: number): string {
  return below(runId, `${position}.${digestText(seed).split(".")[0]}`);
}

/**
 * The seed of a child: its parent's, and the effect that requested it.
 *
 * @param seed The seed of the parent's generation.
 * @param position The effect's place in program order.
 * @param digest The digest of its input.
 */
export function childSeed(seed: string, position: number, digest: string | null): string {
  return `${seed}/${position}${digest === null ? "" : `.${digest}`}`;
}

/**
 * Returns the effect that requested a child.
 *
 * @param seed The child's first seed.
 * @returns Its place in program order, and the digest of its input; `null`: it is no child's seed.
 */
export function childRequestOf(
  seed: string,
): { readonly position: number; readonly digest: string | null } | null {
  const [, position, digest = null] = /\/(\d+)(?:\.([0-9a-z]+\.[0-9a-z]+))?$/.exec(seed) ?? [];
  return position === undefined ? null : { position: Number(position), digest };
}

/**
 * The id of a message that an effect sends to another run: the same on every replay, also on code
 * that requests other effects before it.
 *
 * @param sender The run.
 * @param effect The effect, told from all others by its name and the digest of its input.
 * @param nth How many equal effects the code has requested before.
 * @returns At most {@linkcode MAX_RUN_ID} characters.
 */
export function messageId(
  { runId, seed }: ChildIdParent,
  { name, digest }: { readonly name: string; readonly digest: string | null },
  nth: number,
): string {
  return below(runId, `${digestText(`${seed} ${digest ?? ""} ${name}`)}.${nth}`);
}

/**
 * The id of the run that a schedule starts for a planned time: the same on every node, however
 * often it is started.
 *
 * @param schedule The schedule's id.
 * @param planned The planned time, in milliseconds since the epoch.
 * @param isManual Whether the schedule was triggered by hand.
 */
export function firingId(schedule: string, planned: number, isManual: boolean): string {
  return below(schedule, `${new Date(planned).toISOString()}${isManual ? ".manual" : ""}`);
}

/** A run that a schedule started. */
export interface Firing {
  /** The schedule's id. */
  readonly schedule: string;
  /** The planned time, in milliseconds since the epoch. */
  readonly planned: number;
  /** Whether the schedule was triggered by hand. */
  readonly isManual: boolean;
}

/**
 * Returns the firing of which {@linkcode firingId} is the id.
 *
 * @param id The id of a run.
 * @returns The firing; null: no schedule started the run.
 */
export function firingOf(id: string): Firing | null {
  const [, schedule, time, manual] = FIRING.exec(id) ?? [];
  if (schedule === undefined || time === undefined) return null;
  return { schedule, planned: Date.parse(time), isManual: manual !== undefined };
}

/** The id of a child whose id was not given, and whose path was not too long for its parent's. */
const CHILD = /^(.+)>\d+\.[0-9a-z]+$/;

/**
 * Returns the parent whose {@linkcode effectId} an id is.
 *
 * @param id The id of a run.
 * @returns The parent's id; null: the id does not say one.
 */
export function parentOf(id: string): string | null {
  return CHILD.exec(id)?.[1] ?? null;
}

/**
 * The id of a fork whose id was not given.
 *
 * @param original The id of the original.
 * @param random Hexadecimal digits that no other fork of it has.
 */
export function forkId(original: string, random: string): string {
  return below(original, `fork.${random}`);
}

/**
 * Whether an id ends like one that the engine makes (RUNID-3).
 *
 * @param id Any id.
 */
export function isEngineMade(id: string): boolean {
  return ENGINE_MADE.test(id);
}

/** RUNID-1, RUNID-4. */
function below(id: string, own: string): string {
  const end = id.indexOf(SEPARATOR);
  const root = end < 0 ? id : id.slice(0, end);
  const path = end < 0 ? own : `${id.slice(end + 1)}${SEPARATOR}${own}`;
  const bounded = path.length <= MAX_PATH ? path : `~${digestText(path)}.${digestText(`~${path}`)}`;
  return `${root}${SEPARATOR}${bounded}`;
}
