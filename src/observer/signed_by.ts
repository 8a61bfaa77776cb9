/**
 * Which keys have signed a version.
 *
 * @module
 */

import type { VersionLine } from "../operate/versions.ts";
import { type Content, html } from "./html.ts";

/** How many digits of a key's id are shown. */
const DIGITS = 8;

/**
 * The keys that signed a version, by the registry. A signature that this process has found invalid, or
 * whose key it does not trust, says so.
 *
 * @param signatures The signatures.
 */
export function signedBy(signatures: VersionLine["signatures"]): Content {
  if (signatures.length === 0) return "no key";
  return signatures.map(({ key, verified }, index) => [
    index === 0 ? null : " ",
    html`<code class="chip${verified === null ? "" : verified ? " good" : " bad"}" title="${key}">${
      key.slice(0, DIGITS)
    }${verified === false ? " not valid here" : ""}</code>`,
  ]);
}
