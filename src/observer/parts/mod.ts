/**
 * What pages are made of.
 *
 * @module
 */

export { copyButton, empty, facts, missingNote, note, section } from "./blocks.ts";
export { type Site, siteText } from "./lines.ts";
export { mark, stateMark, stateWord, type Tone } from "./states.ts";
export { type Column, table } from "./table.ts";
export { absolute, ago, span, time } from "./times.ts";
export { errorLine, valueBlock, valueLine, wholeText } from "./values.ts";
export { counted, MOST_COUNTED, number, runLink, versionLink, waitsFor } from "./words.ts";
