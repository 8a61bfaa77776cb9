/**
 * `/metrics`: the numbers of the whole database, for Prometheus.
 *
 * @module
 */

import { prometheus, PROMETHEUS_TYPE } from "../../operate/prometheus.ts";
import { defineFile } from "../route.ts";

/** The numbers. */
export const metrics = defineFile({
  path: "/metrics",
  rights: ["read"],
  everywhere: true,
  async file({ client }) {
    const bytes = new TextEncoder().encode(await prometheus(client));
    return { name: "metrics.txt", type: PROMETHEUS_TYPE, bytes };
  },
});
