/**
 * Makes `src/observer/assets.gen.ts` of the observer's styles, script and icon: JSR has no imports of
 * text. With `--check` it writes nothing, and fails if the module is out of date.
 *
 * @module
 */

const FOLDER = new URL("../src/observer/", import.meta.url);
const MODULE = new URL("assets.gen.ts", FOLDER);

/** The most bytes of the script: what a page loads must stay small. */
const MOST_SCRIPT = 15_000;

/** The style sheets, in the order in which they apply. */
const SHEETS = ["assets/observer.css", "assets/timeline.css", "assets/source.css"];

const [script, icon, ...sheets] = await Promise.all(
  ["client/observer.js", "assets/icon.svg", ...SHEETS]
    .map((path) => Deno.readTextFile(new URL(path, FOLDER))),
);
const styles = sheets.join("\n");

const wanted = `/**
 * The files that the observer's pages load. Made by \`tools/gen_observer.ts\`; do not edit.
 *
 * @module
 */

// deno-fmt-ignore-file

/** The style sheets of \`assets/\`. */
export const STYLES: string = ${JSON.stringify(styles)};

/** \`client/observer.js\`. */
export const SCRIPT: string = ${JSON.stringify(script)};

/** \`assets/icon.svg\`. */
export const ICON: string = ${JSON.stringify(icon)};
`;

const size = new TextEncoder().encode(script).byteLength;
if (size >= MOST_SCRIPT) {
  throw new Error(`client/observer.js has ${size} bytes, wanted fewer than ${MOST_SCRIPT}`);
}
if (Deno.args.includes("--check")) {
  const found = await Deno.readTextFile(MODULE).catch(() => "");
  if (found !== wanted) {
    throw new Error("src/observer/assets.gen.ts is out of date: run tools/gen_observer.ts");
  }
} else {
  await Deno.writeTextFile(MODULE, wanted);
}
