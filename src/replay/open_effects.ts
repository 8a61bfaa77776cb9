/**
 * Effects of a run that the database holds and the history does not have yet: what waits, or has
 * happened, at a position of program order.
 *
 * @module
 */

import type { CommandKind } from "./commands.ts";
import { describeDrift } from "./drift.ts";
import type { HistoryEvent } from "./history.ts";
import type { RequestedCommand } from "./requested_command.ts";
import { ANSWERS } from "./settle.ts";
import type { DriftReport, RunStart } from "./turn.ts";

/** One of them. Code that asks for something else at its position would receive its answer. */
export interface OpenEffect {
  /**
   * What holds it: a task, the unread end of an activity, a child run, or a place in the line of a
   * lock.
   */
  readonly form: "task" | "answer" | "child" | "lock";
  /** Its place in program order, from 0. */
  readonly position: number;
  /** What was requested; a child may also have been requested by a `call`. */
  readonly kind: "activity" | "child" | "call";
  /** The command's name: of an activity, of the child's workflow. */
  readonly name: string;
  /** The digest of the command's input; `null`: unknown. */
  readonly digest: string | null;
}

/** What code has requested by the end of a history. */
export interface RequestedByNow {
  /** The run. */
  readonly start: RunStart;
  /** How many effects. */
  readonly position: number;
  /** Whether the code has ended. */
  readonly hasEnded: boolean;
  /** The command at a position that the history does not answer; `undefined`: there is none. */
  at(position: number): RequestedCommand | undefined;
}

const FORMS: Readonly<Record<OpenEffect["form"], string>> = {
  task: "a task of the run is",
  answer: "an answer that the run has not read is that of",
  child: "a child of the run is",
  lock: "the run waits for, or has,",
};

/**
 * Looks for an open effect for which the code does not ask at its position.
 *
 * @param effects The open effects.
 * @param events The history that the code was given: what it answers is open no more.
 * @param requested What the code has requested.
 * @returns The first in program order; `null`: the code asks for all of them.
 */
export function openDrift(
  effects: readonly OpenEffect[],
  events: readonly HistoryEvent[],
  requested: RequestedByNow,
): DriftReport | null {
  if (effects.length === 0) return null;
  const answered = new Set(
    events.flatMap(({ kind, position }) => ANSWERS[kind] === null ? [] : position ?? []),
  );
  const open = effects.filter(({ position }) => !answered.has(position))
    .sort((a, b) => a.position - b.position);
  for (const effect of open) {
    const command = requested.at(effect.position);
    const reason = command === undefined ? absence(effect, requested) : difference(effect, command);
    if (reason === null) continue;
    const { position, kind, name, digest } = effect;
    return describeDrift(requested.start, {
      seq: null,
      position,
      expected: { kind, name, digest },
      what: FORMS[effect.form],
      command: command ?? null,
      reason,
    });
  }
  return null;
}

function absence({ position }: OpenEffect, requested: RequestedByNow): string {
  if (requested.hasEnded) return "the code has ended without asking for it";
  return position < requested.position
    ? "the code does not wait for anything there"
    : `the code has asked for ${requested.position} effects by then, and for none there`;
}

/** Why a command is not what an open effect was requested by; `null`: it is. */
function difference(effect: OpenEffect, command: RequestedCommand): string | null {
  const [kind, name] = requestOf(command);
  if (kind !== effect.kind) return "the code asked for another kind of effect there";
  if (name !== effect.name) return "the code asked for another name there";
  const isSame = effect.digest === null || effect.digest === command.digest;
  return isSame ? null : "the code asked with another input there";
}

/** Whether a command starts a child and waits for it, or only starts it, it is the same child. */
function requestOf(
  { kind, name, options: { call, child } }: RequestedCommand,
): [CommandKind, string] {
  if (call?.kind === "start") return ["child", name.slice("start ".length)];
  if (kind === "child" && child?.workflow === undefined) return ["call", name]; // waits by a handle
  return [kind, name];
}
