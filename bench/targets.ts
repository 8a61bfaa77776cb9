/**
 * What is shown in the table, and what is aimed at.
 *
 * @module
 */

import type { Target } from "./report.ts";

/** In the order of the table. Bounds marked `server` are meant for Postgres. */
export const TARGETS: readonly (Target & { readonly workload: string })[] = [
  { workload: "W1", key: "steps_s", title: "steps a second", atLeast: 20_000, server: true },
  { workload: "W1", key: "cpu_ms_step", title: "processor ms a step", under: 0.1 },
  { workload: "W1", key: "client_cpu_ms_step", title: "of these, the client" },
  { workload: "W1", key: "pg.xact_step", title: "commits a step", under: 0.05 },
  { workload: "W1", key: "pg.wal_bytes_step", title: "WAL bytes a step", under: 350 },
  { workload: "W1", key: "pg.ins_step", title: "rows inserted a step" },
  { workload: "W1", key: "pg.upd_step", title: "rows updated a step" },
  { workload: "W1", key: "pg.hot_ratio", title: "HOT share of updates of runs" },
  {
    workload: "W2",
    key: "api_p50_ms",
    title: "10 steps to result, p50 ms",
    under: 8,
    server: true,
  },
  { workload: "W2", key: "api_p95_ms", title: "10 steps to result, p95 ms" },
  { workload: "W2_0", key: "api_p50_ms", title: "no steps to result, p50 ms" },
  { workload: "W3", key: "starts_s_50", title: "starts/s, 50 at a time" },
  {
    workload: "W3",
    key: "starts_s_500",
    title: "starts/s, 500 at a time",
    atLeast: 15_000,
    server: true,
  },
  { workload: "W4", key: "heap_bytes_per_parked", title: "heap bytes per parked run", under: 1 },
  { workload: "W4", key: "wake_all_s", title: "all woken and ended, s", under: 0.5, server: true },
  {
    workload: "W5",
    key: "last_over_100",
    title: "time of step 10,000 over 100",
    under: 1.1,
    server: true,
  },
  { workload: "W6", key: "resume_ms_0", title: "cold resume after 0 steps, ms" },
  { workload: "W6", key: "resume_ms_100", title: "cold resume after 100 steps, ms" },
  {
    workload: "W6",
    key: "resume_ms_1000",
    title: "cold resume after 1,000 steps, ms",
    under: 5,
    server: true,
  },
  {
    workload: "SIGNAL",
    key: "resident_own_p50_ms",
    title: "signal, run in memory, p50 ms",
    under: 3,
    server: true,
  },
  {
    workload: "SIGNAL",
    key: "resident_other_p50_ms",
    title: "the same, from another client",
    under: 3,
  },
  {
    workload: "SIGNAL",
    key: "parked_own_p50_ms",
    title: "signal, run parked, p50 ms",
    under: 3,
    server: true,
  },
  {
    workload: "SIGNAL",
    key: "parked_other_p50_ms",
    title: "the same, from another client",
    under: 3,
  },
  { workload: "CROWD", key: "steps_s", title: "500 runs at once, steps/s" },
  { workload: "WIRE", key: "round_trips_step", title: "round trips a step" },
  { workload: "WIRE", key: "parses_step", title: "parsed statements a step" },
  { workload: "IDLE", key: "statements_minute", title: "statements a minute, idle", under: 10 },
  { workload: "ROWS", key: "start_ratio", title: "start over empty table", under: 1.2 },
  { workload: "ROWS", key: "claim_ratio", title: "claim over empty table", under: 1.2 },
  { workload: "ROWS", key: "signal_ratio", title: "signal over empty table", under: 1.2 },
];
