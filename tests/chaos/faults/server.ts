/**
 * Faults of the server, its sessions and its locks.
 *
 * @module
 */

import { SCHEMA } from "../world.ts";
import { type Fault, pause } from "./fault.ts";

/** The server ends sessions, and starts again. */
export const restart: Fault = {
  holds: "the server",
  make: ({ world, planned }) => world.cluster.restart(() => pause(planned.ms / 2), "fast"),
};

/** The server breaks off, and recovers. */
export const crash: Fault = {
  holds: "the server",
  make: ({ world, planned }) => world.cluster.restart(() => pause(planned.ms / 2), "immediate"),
};

/** Some sessions of workers and callers are ended, in the middle of whatever they do. */
export const terminate: Fault = {
  holds: "nothing",
  async make({ world, draw }) {
    await world.admin.query(`select pg_terminate_backend(pid) ${SESSIONS}`, [
      draw.below(1_000_000),
      1 + draw.below(10),
    ]);
  },
};

/** Statements of some sessions are cancelled, again and again for a while. */
export const cancel: Fault = {
  holds: "nothing",
  async make({ world, planned, draw }) {
    for (let rounds = Math.ceil(planned.ms / 50); rounds > 0; rounds--) {
      await world.admin.query(`select pg_cancel_backend(pid) ${SESSIONS} `, [
        draw.below(1_000_000),
        3,
      ]);
      await pause(50);
    }
  },
};

/** Notifications stop: sessions that listen are ended, or stay open and deliver nothing. */
export const breakListen: Fault = {
  holds: "nothing",
  async make({ world, place, draw }) {
    if (place.listenWire !== undefined && draw.chance(0.5)) return place.listenWire.mute();
    await world.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %'",
    );
  },
};

/** Rows that the engine needs are locked for a while, for longer than a lease at times. */
export const lockRows: Fault = {
  holds: "nothing",
  async make({ world, planned, draw }) {
    const table = draw.of(["runs", "runs", "runs", "tasks", "nodes", "leases", "schedules"]);
    await world.admin.transaction(async (session) => {
      await session.query(
        `select from ${SCHEMA}.${table} order by random() limit $1 for update skip locked`,
        [1 + draw.below(30)],
      );
      await pause(planned.ms);
    });
  },
};

/** Sessions of the engine, drawn by a number. */
const SESSIONS = `from pg_stat_activity where application_name = 'continuum'
  order by md5(pid::text || $1) limit $2`;
