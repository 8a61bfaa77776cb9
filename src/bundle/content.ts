/**
 * The content of a bundle. Times are milliseconds since the epoch; payloads are texts, encoded as in
 * the journal.
 *
 * @module
 */

import { isSha256Hex } from "../base/encoding.ts";
import type { Trace } from "../dry_run/trace.ts";
import { type InboxRow, RUN_STATES, type RunRow, type StuckReason } from "../ports/rows.ts";
import type { TaskProgress } from "../ports/tasks.ts";
import type { RecordedAttempt } from "../replay/activity_failure.ts";
import { HISTORY_SHAPE, type RunHistory } from "./history.ts";
import {
  ANY,
  listOf,
  mapOf,
  nullable,
  objectOf,
  oneOf,
  type Shape,
  TEXT,
  where,
  WHOLE,
} from "./shape.ts";

/** The format of a bundle. */
export const BUNDLE_FORMAT = "continuum.bundle";

/** The newest version of the format that this release reads, and the one that it writes. */
export const BUNDLE_VERSION = 1;

/**
 * What a run's row holds besides its history.
 *
 * @category Runs
 */
export interface BundledFacts extends
  Pick<
    RunRow,
    | "state"
    | "versionLabel"
    | "specifier"
    | "attributes"
    | "customStatus"
    | "stuckReason"
    | "waits"
    | "node"
    | "wakeAt"
    | "attempt"
    | "failure"
    | "deadline"
    | "policy"
    | "parentId"
    | "createdAt"
    | "startedAt"
    | "since"
    | "endedAt"
  > {}

/**
 * One run of a bundle.
 *
 * @category Runs
 */
export interface BundledRun {
  /** The run's id. */
  readonly runId: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** What its row held. */
  readonly facts: BundledFacts;
  /** Its generations that retention had kept, in ascending order. */
  readonly generations: readonly RunHistory[];
  /** Messages that its code had not consumed. */
  readonly inbox: readonly Omit<InboxRow, "digest" | "id" | "sentAt" | "trace">[];
  /** Activities that had not ended, with their attempts so far. */
  readonly tasks: readonly TaskProgress[];
  /** Why nodes could not load its version. */
  readonly loadFailures: readonly BundledLoadFailure[];
  /** Of a redacted bundle: what each generation did, effect by effect. */
  readonly timelines: readonly BundledTimeline[];
}

/**
 * Why a node could not load a run's version.
 *
 * @category Runs
 */
export interface BundledLoadFailure {
  /** The node. */
  readonly node: string;
  /** Why. */
  readonly reason: StuckReason;
}

/**
 * The trace of a generation in a redacted bundle: it was made before the payloads were removed, and
 * holds none.
 *
 * @category Runs
 */
export interface BundledTimeline {
  /** The number of the generation. */
  readonly generation: number;
  /** The trace; `null`: the generation could not be replayed. */
  readonly trace: Trace | null;
  /** Why it could not be replayed. */
  readonly trouble: string | null;
}

/**
 * One version of a bundle.
 *
 * @category Runs
 */
export interface BundledVersion {
  /** SHA-256 of the manifest, in hex. */
  readonly hash: string;
  /** The text of the manifest; `null`: the code was unavailable. */
  readonly manifest: string | null;
  /** Why the code was unavailable. */
  readonly trouble: string | null;
}

/** The content of a bundle, as its file holds it. */
export interface BundleContent {
  /** Identifies the format. */
  readonly format: "continuum.bundle";
  /** The version of the format. */
  readonly formatVersion: 1;
  /** The release of the package that wrote it. */
  readonly engine: string;
  /** When it was written. */
  readonly exportedAt: number;
  /** `timeline`: it holds no payloads. */
  readonly redacted: "timeline" | null;
  /** The SHA-256 of each run's canonical JSON, in the order of the runs. */
  readonly digests: readonly string[];
  /** The runs: those that were asked for, then their children. */
  readonly runs: readonly BundledRun[];
  /** The versions of their generations, by hash in ascending order. */
  readonly versions: readonly BundledVersion[];
  /** The bytes of the versions' modules in base64, by SHA-256. */
  readonly members: Readonly<Record<string, string>>;
}

const HASH: Shape = where((value) => typeof value === "string" && isSha256Hex(value));

/** A number: a date that is not whole would do no harm. */
const TIME: Shape = where((value) => Number.isFinite(value));

const REASON: Shape = objectOf<Pick<StuckReason, "code" | "message">>({
  code: TEXT,
  message: TEXT,
});

const FACTS = objectOf<BundledFacts>({
  state: oneOf(RUN_STATES),
  versionLabel: nullable(TEXT),
  specifier: TEXT,
  attributes: mapOf(ANY),
  customStatus: nullable(TEXT),
  stuckReason: nullable(REASON),
  waits: listOf(objectOf({ kind: TEXT, name: TEXT, position: WHOLE, until: nullable(TIME) })),
  node: nullable(TEXT),
  wakeAt: nullable(TIME),
  attempt: WHOLE,
  failure: nullable(TEXT),
  deadline: nullable(TIME),
  policy: nullable(TEXT),
  parentId: nullable(TEXT),
  createdAt: TIME,
  startedAt: nullable(TIME),
  since: nullable(TIME),
  endedAt: nullable(TIME),
});

const SITE = objectOf({ file: TEXT, line: WHOLE, column: WHOLE });
const ANSWER = objectOf({ seq: WHOLE, kind: TEXT, payload: nullable(TEXT), at: TIME });
const EFFECT = objectOf({
  position: WHOLE,
  kind: TEXT,
  name: TEXT,
  input: nullable(TEXT),
  omitted: listOf(oneOf(["input", "value"])),
  until: nullable(TIME),
  child: nullable(TEXT),
  requestedAt: TIME,
  state: oneOf(["waiting", "answered", "withdrawn"]),
  answer: nullable(ANSWER),
  failures: listOf(ANSWER),
  sites: listOf(SITE),
});

const TRACE = objectOf<Omit<Trace, "stoppedAt">>({
  effects: listOf(EFFECT),
  total: WHOLE,
  waiting: listOf(EFFECT),
  outcome: nullable(oneOf(["completed", "failed", "cancelled", "continued"])),
  output: nullable(TEXT),
  drift: nullable(
    objectOf({ seq: WHOLE, position: nullable(WHOLE), message: TEXT, site: nullable(SITE) }),
  ),
  refused: nullable(objectOf({ call: TEXT, position: WHOLE, message: TEXT, site: nullable(SITE) })),
});

const ATTEMPT = objectOf<RecordedAttempt>({ attempt: WHOLE, at: TIME, error: TEXT });

const RUN = objectOf<BundledRun>({
  runId: TEXT,
  namespace: TEXT,
  workflow: TEXT,
  facts: FACTS,
  generations: listOf(HISTORY_SHAPE),
  inbox: listOf(objectOf<Omit<InboxRow, "digest" | "id" | "sentAt" | "trace">>({
    kind: oneOf([
      "signal",
      "ask",
      "cancel",
      "child",
      "activity.completed",
      "activity.failed",
      "awaited",
      "pause",
    ]),
    name: TEXT,
    position: nullable(WHOLE),
    payload: nullable(TEXT),
  })),
  tasks: listOf(objectOf<TaskProgress>({
    position: WHOLE,
    name: TEXT,
    queue: TEXT,
    attempt: WHOLE,
    failures: listOf(ATTEMPT),
    state: oneOf(["ready", "held", "leased", "external"]),
    node: nullable(TEXT),
    availableAt: TIME,
    heartbeat: nullable(TEXT),
  })),
  loadFailures: listOf(objectOf({ node: TEXT, reason: REASON })),
  timelines: listOf(
    objectOf<BundledTimeline>({
      generation: WHOLE,
      trace: nullable(TRACE),
      trouble: nullable(TEXT),
    }),
  ),
});

/** The shape of a content of {@linkcode BUNDLE_VERSION}. */
export const CONTENT_SHAPE: Shape = objectOf<BundleContent>({
  format: oneOf([BUNDLE_FORMAT]),
  formatVersion: where((value) => value === BUNDLE_VERSION),
  engine: TEXT,
  exportedAt: TIME,
  redacted: nullable(oneOf(["timeline"])),
  digests: listOf(HASH),
  runs: listOf(RUN),
  versions: listOf(
    objectOf<BundledVersion>({ hash: HASH, manifest: nullable(TEXT), trouble: nullable(TEXT) }),
  ),
  members: mapOf(TEXT, isSha256Hex),
});
