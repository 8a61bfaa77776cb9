/**
 * How a replay is shown: a step of it, its verdict, a value.
 *
 * @module
 */

import type { OpenReplay } from "../../operate/bundles.ts";
import type { Json } from "../../operate/plain.ts";
import { OUTCOMES } from "./effects.ts";
import { siteText, sourceLines } from "./source_lines.ts";
import { counted, errorText, valueCell } from "./words.ts";

type Step = Awaited<ReturnType<OpenReplay["step"]>>;
type Place = Step["waiting"][number];
type Verdict = Awaited<ReturnType<OpenReplay["verdict"]>>;
type Cause = NonNullable<Step["cause"]>;

/** The longest value in a line, in characters. */
const MAX_VALUE = 200;

/**
 * A step of a replay: the event, the effect that it answered with its line, and what the code waits
 * for.
 *
 * @param step The step.
 * @param events How many events there are.
 * @param isWhole Whether to show the lines around each place that the code waits at.
 */
export function* stepLines(step: Step, events: number, isWhole: boolean): Iterable<string> {
  const { at, event, answered, waiting, outcome, cause } = step;
  yield event === null
    ? `${at}/${events}  start`
    : `${at}/${events}  ${event.kind}${named(event.name)}  ${event.at}${valueOf(event.value)}`;
  if (answered !== null) yield* placeLines(answered, !isWhole);
  if (cause !== null) return void (yield* causeLines(cause));
  if (outcome !== null) yield `      the code has ${OUTCOMES[outcome]}`;
  else if (waiting.length === 0) yield "      the code waits for nothing of the engine";
  for (const place of waiting) {
    const until = place.until === null ? "" : `, until ${place.until}`;
    const where = place.site === null ? "" : `  ${siteText(place.site)}`;
    yield `      waits for ${place.kind}${named(place.name)}${until}${where}`;
    if (isWhole) yield* placeLines(place, true);
  }
}

function* placeLines({ site, lines, calls }: Place, isShown: boolean): Iterable<string> {
  if (site === null || !isShown) return;
  yield `      ${siteText(site)}`;
  yield* sourceLines(site, lines);
  for (const call of calls.slice(1)) yield `      called from ${siteText(call)}`;
}

/** What is known if the code was not replayed to the end: not that it diverges. */
const UNKNOWN: Readonly<Record<string, string>> = {
  no_answer: "no answer in time",
  unavailable: "the code can't be executed",
};

/**
 * Where history and code diverge, with the lines of both; or why that is unknown.
 *
 * @param cause Why they diverge.
 */
export function* causeLines(cause: Cause): Iterable<string> {
  const { kind, message, event, recordedAt, requestedAt } = cause;
  const unknown = UNKNOWN[kind];
  if (unknown !== undefined) return yield `${unknown}: ${message}`;
  yield event === null ? `diverges: ${message}` : `diverges at event ${event}: ${message}`;
  for (const [name, site] of [["recorded", recordedAt], ["requested", requestedAt]] as const) {
    if (site === null) continue;
    yield `  ${name.padEnd(9)}  ${siteText(site)}  ${site.text?.trim() ?? ""}`.trimEnd();
  }
}

/**
 * Whether a whole history replays.
 *
 * @param verdict The verdict.
 */
export function* verdictLines(
  { replays, version, events, cause, otherEnd, outcome }: Verdict,
): Iterable<string> {
  const on = `on version ${version.slice(0, 12)}`;
  if (replays) {
    const end = outcome === null
      ? "the code waits after them"
      : `the code has ${OUTCOMES[outcome]}`;
    yield `replays: ${counted(events, "event")} ${on}; ${end}`;
  }
  if (cause !== null) yield* causeLines(cause);
  if (otherEnd === null) return;
  yield `ends otherwise: the whole history replays ${on}, ${counted(events, "event")}`;
  for (const [name, { state, value }] of Object.entries(otherEnd)) {
    yield `  ${name.padEnd(9)}  ${state === null ? "waits" : state}${valueOf(value)}`;
  }
}

function named(name: string): string {
  return name === "" ? "" : ` ${JSON.stringify(name)}`;
}

function valueOf(value: Json): string {
  if (value === null) return "";
  const isError = typeof value === "object" && !Array.isArray(value) && "message" in value;
  const text = isError ? errorText(value) : valueCell(value);
  return `  ${text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text}`;
}
