/**
 * States by word, shape and colour.
 *
 * @module
 */

import { type Html, html } from "../html.ts";

/** How a state looks. */
interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly shape: Shape;
}

/** Colours that mean something. */
export type Tone = "good" | "bad" | "warn" | "live" | "quiet";

/** Shapes of marks, so that colour is never all there is. */
export type Shape = "dot" | "ring" | "dashes" | "check" | "cross" | "slash" | "square" | "alert";

/** States of runs, schedules, versions, nodes and of health. */
const LOOKS: Readonly<Record<string, Look>> = {
  pending: { word: "pending", tone: "quiet", shape: "dashes" },
  running: { word: "running", tone: "live", shape: "dot" },
  suspended: { word: "suspended", tone: "live", shape: "ring" },
  completed: { word: "completed", tone: "good", shape: "check" },
  failed: { word: "failed", tone: "bad", shape: "cross" },
  cancelled: { word: "cancelled", tone: "quiet", shape: "slash" },
  terminated: { word: "terminated", tone: "quiet", shape: "square" },
  parked: { word: "parked", tone: "warn", shape: "alert" },
  stuck_unknown_version: { word: "parked: no code", tone: "warn", shape: "alert" },
  stuck_nondeterminism: { word: "parked: drift", tone: "warn", shape: "alert" },
  stuck_poisoned: { word: "parked: poisoned", tone: "warn", shape: "alert" },
  active: { word: "active", tone: "good", shape: "check" },
  paused: { word: "paused", tone: "quiet", shape: "slash" },
  stuck: { word: "stuck", tone: "warn", shape: "alert" },
  done: { word: "done", tone: "quiet", shape: "check" },
  current: { word: "current", tone: "good", shape: "check" },
  draining: { word: "draining", tone: "live", shape: "ring" },
  drained: { word: "drained", tone: "quiet", shape: "dashes" },
  missing: { word: "missing", tone: "bad", shape: "cross" },
  denied: { word: "denied", tone: "bad", shape: "slash" },
  unused: { word: "unused", tone: "quiet", shape: "dashes" },
  ok: { word: "healthy", tone: "good", shape: "check" },
  degraded: { word: "needs a look", tone: "warn", shape: "alert" },
};

/**
 * A state.
 *
 * @param state The state; an unknown one is shown by its word.
 */
export function stateMark(state: string): Html {
  const look = Object.hasOwn(LOOKS, state) ? LOOKS[state]! : null;
  const { word, tone, shape } = look ?? { word: state, tone: "quiet", shape: "dashes" };
  return html`<span class="state ${tone}">${mark(shape)}<span>${word}</span></span>`;
}

/**
 * The word for a state.
 *
 * @param state The state.
 */
export function stateWord(state: string): string {
  return Object.hasOwn(LOOKS, state) ? LOOKS[state]!.word : state;
}

/**
 * The shape of a mark.
 *
 * @param shape The shape.
 */
export function mark(shape: Shape): Html {
  return html`
    <svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      ${SHAPES[shape]}
    </svg>
  `;
}

const SHAPES: Readonly<Record<Shape, Html>> = {
  dot: html`<circle class="pulse" cx="6" cy="6" r="4" fill="currentColor" />`,
  ring: html`
    <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="2" />
  `,
  dashes: html`
    <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5"
      stroke-dasharray="2.2 2.2" />
  `,
  check: html`
    <path d="M2 6.5 5 9.5 10 3" fill="none" stroke="currentColor" stroke-width="2" />
  `,
  cross: html`
    <path d="M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5" stroke="currentColor" stroke-width="2" />
  `,
  slash: html`
    <path d="M6 1.75a4.25 4.25 0 1 0 0 8.5a4.25 4.25 0 1 0 0-8.5M3 9 9 3" fill="none"
      stroke="currentColor" stroke-width="1.5" />
  `,
  square: html`<rect x="2" y="2" width="8" height="8" rx="1" fill="currentColor" />`,
  alert: html`
    <path d="M6 .8 11.6 11H.4Z" fill="currentColor" />
    <path d="M6 4.4V7.4M6 8.6V9.8"
      class="hole" stroke-width="1.4" />
  `,
};
