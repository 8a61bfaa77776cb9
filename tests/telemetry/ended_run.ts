/**
 * A run as a node has it, and its end.
 *
 * @module
 */

import type { Exit } from "../../src/ports/exit.ts";
import type { ClaimedRun } from "../../src/ports/rows.ts";

/** A run. */
export const RUN: ClaimedRun = {
  id: 1,
  namespace: "default",
  runId: "r",
  workflow: "order",
  hash: "a".repeat(64),
  specifier: "file:///order.ts",
  input: "1",
  seed: "s",
  startedAt: 1_000,
  token: 1,
  generation: 0,
  attempt: 1,
  deadline: null,
  policy: null,
  firstSeq: 0,
  claims: 1,
  began: false,
  deliveredSeq: null,
  origin: null,
  createdAt: 1_000,
  startAt: null,
  dueAt: 1_000,
  trace: null,
};

/** It completed. */
export const ENDED: Exit = {
  kind: "ended",
  state: "completed",
  result: "1",
  error: null,
  watched: false,
  mustNotify: false,
};
