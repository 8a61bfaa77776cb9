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

const [styles, script, icon] = await Promise.all(
  ["assets/observer.css", "client/observer.js", "assets/icon.svg"]
    .map((path) => Deno.readTextFile(new URL(path, FOLDER))),
);

const wanted = `/**
 * The files that the observer's pages load. Made by \`tools/gen_observer.ts\`; do not edit.
 *
 * @module
 */

// deno-fmt-ignore-file

/** \`assets/observer.css\`. */
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
