/**
 * Runs modules as the runtime does, and prints what came of each: a process of its own.
 *
 * @module
 */

import { outcomeOf } from "./outcome.ts";

const urls: string[] = JSON.parse(await new Response(Deno.stdin.readable).text());
const outcomes: unknown[] = [];
for (const url of urls) outcomes.push(await outcomeOf(() => import(url)));
await Deno.stdout.write(new TextEncoder().encode(`\n${JSON.stringify(outcomes)}\n`));
