/**
 * One generation of a run as plain JSON: its start and all of its events. Tests store it as a file,
 * and bundles hold one for each generation.
 *
 * @module
 */

import { isSha256Hex } from "../base/encoding.ts";
import { type EndState, RUN_STATES, type RunState } from "../ports/rows.ts";
import type { HistoryEvent } from "../replay/history.ts";
import { isOriginText } from "../replay/origins.ts";
import type { RunStart } from "../replay/turn.ts";
import { NO_HEADERS, type RunHeaders } from "../workflow/headers.ts";
import { headersOf, policyOf, policyText } from "../workflow/run_policy.ts";
import {
  listOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  optional,
  type Shape,
  TEXT,
  where,
  WHOLE,
} from "./shape.ts";

/** The format of {@linkcode RunHistory}. */
export const HISTORY_FORMAT = "continuum.history";

/**
 * A run's history as plain JSON, in a format that is stable across releases. Times are milliseconds
 * since the epoch. `input`, `result`, `error` and payloads are texts, encoded as in the journal.
 */
export interface RunHistory {
  /** Identifies the format. */
  readonly format: "continuum.history";
  /** The version of the format, which increases when the format changes. */
  readonly formatVersion: 1;
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that the generation was last pinned to. */
  readonly version: string;
  /** The number of the generation, from 0; a bundle holds the others, too. */
  readonly generation: number;
  /** The number of the run's attempt; 1 when omitted. */
  readonly attempt?: number;
  /** Of a fork: where it comes from, as a text for replays. */
  readonly origin?: string | null;
  /** The headers of the run; none when omitted. */
  readonly headers?: RunHeaders;
  /** The id of the parent of a child whose own id does not say it. */
  readonly parent?: string;
  /** When the generation started. */
  readonly startedAt: number;
  /** The seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** The encoded input. */
  readonly input: string;
  /**
   * The run's state; `over`: an earlier generation, after which the run continued as new or was
   * retried.
   */
  readonly state: RunState | "over";
  /** The encoded result, if completed. */
  readonly result: string | null;
  /** The encoded error, if it failed or was ended. */
  readonly error: string | null;
  /** The events, in order. */
  readonly events: readonly HistoryEvent[];
}

const EVENT = objectOf<HistoryEvent>({
  seq: WHOLE,
  kind: TEXT,
  position: nullable(WHOLE),
  name: TEXT,
  digest: nullable(TEXT),
  payload: nullable(TEXT),
  at: WHOLE,
});

/** The shape of a history. */
export const HISTORY_SHAPE: Shape = objectOf<RunHistory>({
  format: oneOf([HISTORY_FORMAT]),
  formatVersion: where((value) => value === 1),
  runId: TEXT,
  workflow: TEXT,
  version: where((value) => typeof value === "string" && isSha256Hex(value)),
  seed: TEXT,
  input: TEXT,
  state: oneOf([...RUN_STATES, "over"]),
  generation: WHOLE,
  attempt: optional(WHOLE),
  origin: optional(nullable(where(isOriginText))),
  headers: optional(mapOf(TEXT)),
  parent: optional(TEXT),
  startedAt: WHOLE,
  result: optional(nullable(TEXT)),
  error: optional(nullable(TEXT)),
  events: listOf(EVENT),
});

/** Whether a state is one that a run does not leave. */
export function isEnded(state: RunHistory["state"]): state is EndState {
  return ["completed", "failed", "cancelled", "terminated"].includes(state);
}

/** Returns what the code of a run may read of its policy, as a history holds it. */
export function policyFields(policy: string | null): Pick<RunHistory, "headers" | "parent"> {
  const headers = headersOf(policy);
  const { parent } = policyOf(policy);
  return {
    ...(headers === NO_HEADERS ? {} : { headers }),
    ...(parent === undefined ? {} : { parent }),
  };
}

/** Returns the start of an execution. */
export function startOf(history: RunHistory): RunStart {
  const { runId, workflow, version, input, seed, startedAt, generation, attempt = 1 } = history;
  const { origin = null, headers, parent } = history;
  const read = {
    ...(headers === undefined ? {} : { headers }),
    ...(parent === undefined ? {} : { parent }),
  };
  const policy = Object.keys(read).length === 0 ? null : policyText(read);
  return { runId, workflow, version, input, seed, startedAt, generation, attempt, origin, policy };
}
