/**
 * Says at once that the engine needs Deno, before anything else is evaluated.
 *
 * @module
 */

if (!("Deno" in globalThis)) {
  throw new TypeError(
    "Cannot import @continuum/continuum here: its engine runs on Deno 2.9 or newer. On this runtime, " +
      "import @continuum/continuum/client, which starts, signals and watches runs",
  );
}
