/**
 * The workloads: those of the comparison with other engines, and those that only this engine is
 * asked for.
 *
 * @module
 */

import { ASK } from "./asks.ts";
import { ROWS, W4, W5 } from "./growth.ts";
import { latency, SIGNAL, W6 } from "./latency.ts";
import { LOAD } from "./load.ts";
import { MOVE } from "./move.ts";
import { PAGES } from "./pages.ts";
import { PREFLIGHT } from "./preflight.ts";
import { REPLAY } from "./replay.ts";
import { W3 } from "./starts.ts";
import { TELEMETRY } from "./telemetry.ts";
import { ACTIVITIES, CROWD, W1, W1D } from "./throughput.ts";
import { TIMERS } from "./timers.ts";
import { TRACE } from "./trace.ts";
import { TURNOVER } from "./turnover.ts";
import { IDLE, WIRE } from "./wire.ts";
import type { Workload } from "./workload.ts";

/** All workloads, in the order in which they are measured. */
export const WORKLOADS: readonly Workload[] = [
  W1,
  W1D,
  latency("W2", 10),
  latency("W2_0", 0),
  W3,
  W4,
  W5,
  W6,
  SIGNAL,
  ASK,
  TIMERS,
  CROWD,
  TURNOVER,
  ACTIVITIES,
  WIRE,
  IDLE,
  ROWS,
  REPLAY,
  TRACE,
  TELEMETRY,
  PAGES,
  PREFLIGHT,
  MOVE,
  LOAD,
];
