/**
 * `/runs/:id/export`: a run and its code as a bundle, with other runs if they are named. If a value is
 * withheld or replaced for the viewer, the bundle holds the timeline alone.
 *
 * @module
 */

import { checkWhole } from "../../base/arguments.ts";
import { exportBytes } from "../../operate/bundles.ts";
import { MOST_MS } from "../../operate/readings/converters.ts";
import {
  several,
  switchParameter,
  textParameter,
  wholeParameter,
  wordParameter,
} from "../parameters.ts";
import { defineFile } from "../route.ts";

/** The most runs of one bundle, without their children. */
const MOST_RUNS = 100;

const WITH = several(textParameter("with"));
const CHILDREN = switchParameter("children");
const REDACT = wordParameter("redact", ["timeline"]);
const TIMEOUT = wholeParameter("timeout", 1, MOST_MS);

/** The file. */
export const exportRun = defineFile({
  path: "/runs/:id/export",
  rights: ["read", "source", "export"],
  parameters: [WITH, CHILDREN, REDACT, TIMEOUT],
  async file({ client, params, given, seesValues, heavy }) {
    const id = params.id!;
    const ids = [...new Set([id, ...given.all(WITH)])];
    checkWhole(ids.length, "the number of runs of a bundle", 1, MOST_RUNS);
    const redact = seesValues ? given.one(REDACT) : "timeline";
    const bytes = await heavy(() =>
      exportBytes(client, ids, {
        children: given.one(CHILDREN) !== null,
        ...(redact === null ? {} : { redact }),
        timeout: given.one(TIMEOUT) ?? MOST_MS,
      })
    );
    return { name: `${id}.bundle`, type: "application/gzip", bytes };
  },
});
