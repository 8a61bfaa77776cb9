/**
 * What chaos is made in: a Postgres of its own, workers in processes of their own, each behind its
 * own wires, a server of releases, and the ledger.
 *
 * @module
 */

import { postgres } from "../../src/store/postgres/mod.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { Continuum } from "../../src/continuum.ts";
import { type Cluster, startPostgres } from "../support/embedded_postgres.ts";
import type { Death } from "./evidence.ts";
import { Ledger } from "./ledger.ts";
import { drawFrom, type Size } from "./plan.ts";
import { Releases } from "./releases.ts";
import { placeOn, smallSpace, type Space } from "../support/small_disk.ts";
import { Wire } from "./wire.ts";
import { WorkerProcess } from "./worker_process.ts";
import type { Said } from "./worker.ts";

/** The engine's schema. */
export const SCHEMA = "continuum";

/** How long a worker may go without a heartbeat. */
export const LEASE_MS = 2_000;

/** The size of the disk of the engine's tables, in MiB. */
const SPACE_MB = 128;

/** The tables beside the engine's: rows of transactions, and who held which run. */
const OWN_TABLES = `
  create schema chaos;
  create table chaos.bookings (run text not null, place text not null);
  create table chaos.tenures (
    id bigint generated always as identity primary key,
    run bigint not null, old_token bigint, new_token bigint,
    old_seq integer not null, new_seq integer not null
  );
  create function chaos.note_tenure() returns trigger language plpgsql as $$
  begin
    insert into chaos.tenures (run, old_token, new_token, old_seq, new_seq)
    values (new.id, old.token, new.token, old.next_seq, new.next_seq);
    return null;
  end $$;`;

const TRIGGER = `
  create trigger chaos_tenures after update on ${SCHEMA}.runs for each row
  when (old.token is distinct from new.token or old.next_seq <> new.next_seq)
  execute function chaos.note_tenure();`;

/** A place of a worker: one process after the other works there. */
export interface WorkerPlace {
  readonly name: string;
  readonly wire: Wire;
  /** Where it listens, if that is another way. */
  readonly listenWire: Wire | undefined;
  process: WorkerProcess;
}

/** All of it. */
export class World implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly releases: Releases;
  readonly places: WorkerPlace[] = [];
  /** What callers and operators use. */
  readonly client: Continuum;
  readonly callersWire: Wire;
  /** Asks the database past every fault but the server's own. */
  readonly admin: SqlDriver;
  /** How the processes ended so far. */
  readonly deaths: Death[] = [];
  /** What workers logged, by level and words, with how often. */
  readonly logged = new Map<string, number>();
  /** How many statements failed by injection. */
  injected = 0;
  /** What became of runs that deployments offered the next release to. */
  readonly verdicts = new Map<string, number>();
  /** The disk of the engine's tables, where this machine can mount one. */
  readonly space: Space | undefined;
  readonly #kept: AsyncDisposableStack;
  #processes = 0;
  #isOver = false;

  private constructor(
    parts: Pick<
      World,
      "cluster" | "ledger" | "releases" | "client" | "callersWire" | "admin" | "space"
    >,
    kept: AsyncDisposableStack,
  ) {
    ({
      cluster: this.cluster,
      ledger: this.ledger,
      releases: this.releases,
      client: this.client,
      callersWire: this.callersWire,
      admin: this.admin,
      space: this.space,
    } = parts);
    this.#kept = kept;
  }

  /** Makes a world of some size, and waits until its workers are open. */
  static async open(size: Size): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const draw = drawFrom(size.seed + 3);
    const space = await smallSpace(SPACE_MB);
    if (space !== undefined) stack.use(space);
    const cluster = stack.use(
      await startPostgres({
        settings: {
          fsync: "off",
          shared_buffers: "64MB",
          log_min_messages: "log",
          deadlock_timeout: "200ms",
        },
      }),
    );
    const ledger = stack.use(new Ledger(draw.below(2 ** 31)));
    const releases = stack.use(new Releases());
    const admin = await postgres(cluster.url, { applicationName: "chaos" }).open();
    stack.defer(() => admin.close());
    await admin.script(OWN_TABLES);
    if (space !== undefined) await placeOn(space, admin);
    const callersWire = stack.use(new Wire(cluster.url, draw.below(2 ** 31)));
    const client = stack.use(
      await Continuum.connect({
        database: callersWire.url,
        schema: SCHEMA,
        migrate: "apply",
        trust: { modules: [releases.trusted] }, // a fork replays its part here
      }),
    );
    await admin.script(TRIGGER);
    const world = new World(
      { cluster, ledger, releases, client, callersWire, admin, space },
      stack.move(),
    );
    try {
      for (let at = 0; at < size.workers; at++) {
        const wire = world.#kept.use(new Wire(cluster.url, draw.below(2 ** 31)));
        // Half of the workers have a watchdog, and the others listen on a wire of their own.
        const listenWire = at % 2 === 0
          ? world.#kept.use(new Wire(cluster.url, draw.below(2 ** 31)))
          : undefined;
        const place = { name: `w${at}`, wire, listenWire };
        world.places.push({ ...place, process: world.#start(place, 0) });
      }
      await Promise.all(world.places.map(({ process }) => process.opened));
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Lets another process take a place, on the newest release. */
  restart(place: WorkerPlace, shiftMs = 0): WorkerProcess {
    return place.process = this.#start(place, shiftMs);
  }

  /** Every wire. */
  get wires(): Wire[] {
    return [
      this.callersWire,
      ...this.places.flatMap(({ wire, listenWire }) => listenWire ? [wire, listenWire] : [wire]),
    ];
  }

  /** Ends all of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.places.map(({ process }) => process.kill()));
    await this.#kept.disposeAsync();
  }

  #start(place: Omit<WorkerPlace, "process">, shiftMs: number): WorkerProcess {
    const name = `${place.name}.${this.#processes++}`;
    const process = new WorkerProcess({
      name,
      url: place.wire.url,
      ...(place.listenWire === undefined ? {} : { listenUrl: place.listenWire.url }),
      schema: SCHEMA,
      workflows: this.releases.workflows,
      leaseMs: LEASE_MS,
      shiftMs,
    }, (said) => this.#hear(said));
    void process.ended.then((death) => {
      this.deaths.push(death);
      // It died by itself: another one takes its place, and the checker has a finding.
      const lost = this.places.find((taken) => taken.process === process);
      if (death.cause !== null || lost === undefined) return;
      setTimeout(() => {
        if (lost.process === process && !this.#isOver) this.restart(lost);
      }, 1_000);
    });
    return process;
  }

  #hear(said: Said): void {
    if (said.said === "injected") this.injected += said.count;
    if (said.said !== "log") return;
    const line = `${said.level}: ${plain(said.text)}`;
    this.logged.set(line, (this.logged.get(line) ?? 0) + 1);
  }
}

/** A line of the log without what differs from time to time. */
function plain(text: string): string {
  return text.replaceAll(/[0-9a-f]{8,}(-[0-9a-f]{4,})*/g, "…").replaceAll(/\d+/g, "#")
    .slice(0, 300);
}
