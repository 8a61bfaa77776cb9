/**
 * Tokens: a token identifies one attempt of an activity outside of the engine. A token is a secret,
 * since it allows its holder to complete the attempt. Messages therefore show only the part that
 * identifies the task.
 *
 * @module
 */

import { describe } from "../base/describe.ts";
import type { TaskFence } from "../ports/tasks.ts";

const FORM = /^([0-9a-z]{1,11})\.([0-9a-z]{1,6})\.([0-9a-z]{1,11})$/;

/**
 * Writes a token.
 *
 * @param fence The attempt.
 * @returns Its token: three numbers in base 36.
 */
export function formatToken({ run, position, token }: TaskFence): string {
  return [run, position, token].map((part) => part.toString(36)).join(".");
}

/**
 * Reads a token.
 *
 * @param text Any value.
 * @returns The attempt; `null` if the value is not a token.
 */
export function parseToken(text: unknown): TaskFence | null {
  const parts = typeof text === "string" ? FORM.exec(text) : null;
  if (parts === null) return null;
  const [run, position, token] = parts.slice(1).map((part) => parseInt(part, 36));
  return [run, position, token].every(Number.isSafeInteger)
    ? { run: run!, position: position!, token: token! }
    : null;
}

/**
 * Shows a token in a message.
 *
 * @param text What was passed as a token.
 * @returns The numbers of its run and its position, without the last number, which is secret. For a
 * text that is not a token, its length.
 */
export function describeToken(text: unknown): string {
  if (typeof text !== "string") return describe(text);
  if (parseToken(text) === null) return `a text of ${text.length} characters, which is no token`;
  return `"${text.slice(0, text.lastIndexOf("."))}.***"`;
}
