/**
 * `/runs/:id/export`: a run and its code as a bundle. If a value is withheld or replaced for the
 * viewer, the bundle holds the timeline alone.
 *
 * @module
 */

import { exportBytes } from "../../operate/bundles.ts";
import { defineFile } from "../route.ts";

/** The file. */
export const exportRun = defineFile({
  path: "/runs/:id/export",
  rights: ["read", "source", "export"],
  async file({ client, params, seesValues, heavy }) {
    const id = params.id!;
    const redact = seesValues ? {} : { redact: "timeline" as const };
    const bytes = await heavy(() => exportBytes(client, [id], redact));
    return { name: `${id}.bundle`, type: "application/gzip", bytes };
  },
});
