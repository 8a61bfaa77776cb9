/**
 * The application's own copy of OpenTelemetry's API. A provider that an older minor version has
 * registered is invisible to a newer one, silently: nothing would arrive anywhere.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";

/** The minor version of the API that this package imports. */
const MINOR = 9;

const REGISTRY = Symbol.for("opentelemetry.js.api.1");

let isTold = false;

/**
 * Logs a warning, once, if a provider is registered that this package cannot see.
 *
 * @param log Takes it.
 */
export function warnOfOtherApi(log: AuthoredLog): void {
  const registry = (globalThis as { readonly [REGISTRY]?: Readonly<Record<string, unknown>> })[
    REGISTRY
  ];
  if (isTold || registry === undefined || typeof registry["version"] !== "string") return;
  const minor = Number(registry["version"].split(".")[1]);
  if (!(minor < MINOR)) return;
  isTold = true;
  log.warn(
    "OpenTelemetry's API {version} has registered a provider, and telemetry() uses 1.9.0, which " +
      "cannot see it: use @opentelemetry/api 1.9.0 or newer, or pass tracerProvider and meterProvider",
    { version: registry["version"] },
  );
}
