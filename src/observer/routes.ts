/**
 * All routes of the observer.
 *
 * To add a page: write `pages/<name>.ts` that exports a route made by `definePage`, and add a line
 * here. A route has
 *
 * - `path`: its path, such as `/runs/:id/timeline`. A parameter is one segment, and `look.params` has
 *   its text decoded.
 * - `rights`: what a viewer needs, `read` first. `everywhere: true` if it concerns the whole database
 *   and not one namespace.
 * - `load(look)`: reads plain JSON by functions of `src/operate`, and is what the JSON API answers at
 *   the same path. Values of runs stay under the names that `operate` gives them, since these are
 *   what redaction goes by (REDACTION-1). Wrap what replays code in `look.heavy()`, and keep it by
 *   `look.kept()` under what it depends on. Leave out what `look.may()` denies.
 * - `page(data, view)`: renders the data by `html` templates and `parts/mod.ts`. Links are made by
 *   `view.to(["runs", id])`, times by `ago(view, iso)`. A button or link to an action is shown only
 *   if `view.may()` allows it. There is no inline style or script: `assets/` has the classes. White
 *   space at the ends of a template is left out, so a space there is a value: `${" "}`.
 * - `parameters`: what its address may say, each made by `parameters.ts`; `load` reads them by
 *   `look.given.one(PARAMETER)`. Whatever else an address says is refused (GIVEN-1).
 * - `live`: after how many seconds a browser looks again. An answer that is the same is 304; if `load`
 *   returns something that changes with each look, `facts(data)` says what counts.
 *
 * To add an action: `actions/<name>.ts` and `defineAction`: `plan` reads what would change, `confirm`
 * renders it with the fields of a form, `deed` does it, `done` says what came of it. The handler asks
 * for consent, holds the deed to the plan (ACTION-1) and writes the audit (ACTION-2).
 *
 * Tests in `tests/observer/` try every route listed here with every right missing, and with hostile
 * texts in all places.
 *
 * @module
 */

import { acknowledge } from "./actions/acknowledge.ts";
import { fork } from "./actions/fork.ts";
import { MOVE_ACTIONS } from "./actions/move.ts";
import { RUN_ACTIONS } from "./actions/runs.ts";
import { repair } from "./actions/repair.ts";
import { SCHEDULE_ACTIONS } from "./actions/schedules.ts";
import { signal } from "./actions/signal.ts";
import { start } from "./actions/start.ts";
import { applyUpgrade, beginUpgrade, resumeUpgradeAction } from "./actions/upgrade.ts";
import { VERSION_ACTIONS } from "./actions/versions.ts";
import { audit } from "./pages/audit.ts";
import { compare } from "./pages/compare.ts";
import { exportRun } from "./pages/export.ts";
import { nodes, queues } from "./pages/fleet.ts";
import { health } from "./pages/health.ts";
import { history } from "./pages/history.ts";
import { metrics } from "./pages/metrics.ts";
import { namespaces } from "./pages/namespaces.ts";
import { overview } from "./pages/overview.ts";
import { preferences } from "./pages/preferences.ts";
import { run } from "./pages/run.ts";
import { runs } from "./pages/runs.ts";
import { schedule, schedules } from "./pages/schedules.ts";
import { source } from "./pages/source.ts";
import { timeline } from "./pages/timeline.ts";
import { tree } from "./pages/tree.ts";
import { upgrade } from "./pages/upgrade.ts";
import { version } from "./pages/version.ts";
import { versionDiff } from "./pages/version_diff.ts";
import { versionPatches } from "./pages/version_patches.ts";
import { effectValue, eventValue, runValue, scheduleValue } from "./pages/value.ts";
import { versions } from "./pages/versions.ts";
import { versionSourcePage } from "./pages/version_source.ts";
import { READING_ROUTES } from "./readings.ts";
import type { Route } from "./route.ts";

/** All routes; of two that match a path, the first is taken. */
export const ROUTES: readonly Route[] = [
  overview,
  runs,
  run,
  start,
  signal,
  fork,
  ...MOVE_ACTIONS,
  ...RUN_ACTIONS,
  exportRun,
  runValue,
  eventValue,
  effectValue,
  timeline,
  history,
  source,
  tree,
  compare,
  versions,
  versionDiff,
  version,
  versionSourcePage,
  versionPatches,
  ...VERSION_ACTIONS,
  upgrade,
  applyUpgrade,
  beginUpgrade,
  resumeUpgradeAction,
  schedules,
  schedule,
  scheduleValue,
  ...SCHEDULE_ACTIONS,
  queues,
  nodes,
  health,
  audit,
  repair,
  acknowledge,
  namespaces,
  preferences,
  ...READING_ROUTES,
  metrics,
];
