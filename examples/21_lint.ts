/**
 * The linter says while code is written what the engine would refuse: it has the same table of
 * rules.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader

// In a deno.json: { "lint": { "plugins": ["jsr:@continuum/continuum/lint"] } }
const plugin = import.meta.resolve("@continuum/continuum/lint");
const config = await Deno.makeTempFile({ suffix: ".json" });
await Deno.writeTextFile(config, JSON.stringify({ lint: { plugins: [plugin] } }));

const module = new URL("./workflows/14_determinism.ts", import.meta.url);
const lint = new Deno.Command(Deno.execPath(), {
  args: ["lint", "--json", "--config", config, module.pathname],
});
const { stdout } = await lint.output();
for (const { code, message, range } of JSON.parse(new TextDecoder().decode(stdout)).diagnostics) {
  console.log(`line ${range.start.line} ${code}`);
  console.log(`  ${message}`);
}
await Deno.remove(config);

// Prints:
// line 5 continuum/no-clock
//   Date answers from the run's own values in workflow code, not from the machine's
// line 6 continuum/no-randomness
//   Math.random answers from the run's own values in workflow code, not from the machine's
// line 6 continuum/no-randomness
//   crypto.randomUUID answers from the run's own values in workflow code, not from the machine's
// line 8 continuum/no-clock
//   Date answers from the run's own values in workflow code, not from the machine's
// line 12 continuum/no-io
//   fetch is refused in workflow code: a replay could not repeat it
