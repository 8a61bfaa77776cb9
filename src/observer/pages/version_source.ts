/**
 * `/versions/:hash/source`: the code of a version, its bytes verified.
 *
 * @module
 */

import type { MemberSource, VersionDetails } from "../../operate/versions.ts";
import { memberView } from "../member_view.ts";
import { definePage } from "../route.ts";
import { MEMBER, memberOf, versionOf } from "../source_data.ts";
import { versionPage } from "../version_page.ts";

interface VersionSourceData {
  readonly version: VersionDetails;
  /** The module; `null`: no source has the code. */
  readonly source: MemberSource | null;
}

/** The page. */
export const versionSourcePage = definePage<VersionSourceData>({
  path: "/versions/:hash/source",
  rights: ["read", "source"],
  everywhere: true,
  parameters: [MEMBER],
  async load(look) {
    const version = await versionOf(look, look.params["hash"]!);
    const source = version.unavailable === null
      ? await memberOf(look, version, look.given.one(MEMBER) ?? undefined)
      : null;
    return { version, source };
  },
  page: async ({ version, source }, view) =>
    versionPage(version, "source", view, await memberView(version, source, view)),
});
