/**
 * What becomes of the children that an original has requested before the point of a fork, and whose
 * end comes after it.
 *
 * @module
 */

import { effectId } from "../../base/run_ids.ts";
import type { RunRow, RunState } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { Identity, OriginStart } from "../../replay/origins.ts";
import type { TracedCommand } from "../../replay/traced_execution.ts";

/**
 * What a fork does with children that the original has started before the point, and whose end comes
 * after it:
 *
 * - `refuse`: there is no fork if there are any.
 * - `adopt`: the fork receives the end of the original's child, too. It neither cancels the child
 *   nor applies a close policy to it.
 * - `restart`: the fork starts a child of its own, with another id.
 *
 * @category Runs
 */
export type ForkChildren = "refuse" | "adopt" | "restart";

/**
 * A child of the original that has not ended by the point of a fork.
 *
 * @category Runs
 */
export interface ForkedChild {
  /** Its id. */
  readonly id: string;
  /** The position of the effect that started it. */
  readonly position: number;
  /** Its state now; `null`: there is no such run. */
  readonly state: RunState | null;
  /** What becomes of it; `start`: nothing was started under its id, so the fork starts it. */
  readonly action: ForkChildren | "start";
  /** Why it is refused; `null`: it is not. */
  readonly reason: string | null;
}

/** A child, and the start from which its id derives; `null`: the code gave the id. */
interface PendingChild {
  readonly command: TracedCommand;
  readonly id: string;
  readonly start: number | null;
}

/** The decisions on all children. */
export interface ChildDecisions {
  /** The children. */
  readonly children: readonly ForkedChild[];
  /** The starts, with the children that are started anew. */
  readonly starts: readonly OriginStart[];
}

/**
 * Decides on the children.
 *
 * @param requested What the code has requested by the point.
 * @param starts The starts before the fork's own.
 * @param own The start of the fork.
 * @param policy What the caller wants.
 * @param runs Reads the children.
 */
export async function decideChildren(
  requested: readonly TracedCommand[],
  starts: readonly OriginStart[],
  own: Identity,
  policy: ForkChildren,
  runs: Pick<RunStore, "get">,
): Promise<ChildDecisions> {
  const children: ForkedChild[] = [];
  const restarts: { readonly start: number; readonly position: number }[] = [];
  for (const child of pendingChildren(requested, [...starts, own])) {
    const row = await runs.get(child.id);
    const decided = decide(child, row, policy);
    const { id, command: { position }, start } = child;
    children.push({ id, position, state: row?.state ?? null, ...decided });
    if (decided.action === "restart") restarts.push({ start: start!, position });
  }
  return {
    children,
    starts: starts.map((start, index) => {
      const more = restarts.filter((restart) => restart.start === index)
        .map(({ position }) => [position, starts.length] as const);
      const before = (start.restarts ?? []).filter(([position]) =>
        !more.some(([again]) => again === position)
      );
      return more.length === 0 ? start : { ...start, restarts: [...before, ...more] };
    }),
  };
}

/** Children that were requested, and whose end the code has not received. */
function pendingChildren(
  requested: readonly TracedCommand[],
  identities: readonly Identity[],
): PendingChild[] {
  const ended = new Set(
    requested.filter(({ kind, answer }) => kind === "child" && answer !== null)
      .map(({ child }) => child),
  );
  return requested.flatMap((command) => {
    const { child: id, position, answer } = command;
    if (id === null || ended.has(id) || !startsChild(command)) return [];
    if (answer?.kind === "call.failed") return [];
    const derived = identities.findIndex((identity) => effectId(identity, position) === id);
    // The fork's own child: it does not exist yet.
    if (derived === identities.length - 1) return [];
    return [{ command, id, start: derived < 0 ? null : derived }];
  });
}

function startsChild({ kind, name, input }: TracedCommand): boolean {
  return kind === "child" ? input !== null : kind === "call" && name.startsWith("start ");
}

function decide(
  { command: { kind, answer }, start }: PendingChild,
  row: RunRow | null,
  policy: ForkChildren,
): Pick<ForkedChild, "action" | "reason"> {
  const refuse = (reason: string) => ({ action: "refuse", reason }) as const;
  const isStarted = kind === "call" && answer !== null;
  const canRestart = start !== null && !isStarted;
  if (row === null || row.parent === null) {
    if (isStarted) return refuse("the code holds its handle, and its run was removed");
    return { action: canRestart ? "restart" : "start", reason: null };
  }
  if (policy === "adopt") return { action: "adopt", reason: null };
  if (policy === "refuse") return refuse("it has not ended before the point of the fork");
  if (canRestart) return { action: "restart", reason: null };
  return refuse(
    isStarted
      ? "the code holds its handle: adopt it, or fork before its start"
      : "the code gives it its id, which is taken: adopt it, or fork before its start",
  );
}
