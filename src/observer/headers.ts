/**
 * The headers of answers.
 *
 * - HEADERS-1: a page loads nothing but the observer's own script, styles and images, runs no code in
 *   its text, is in no frame, and is kept by no cache.
 *
 * @module
 */

/** What a page may load and do. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ALWAYS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** Headers of data: no cache keeps it. */
export const PRIVATE: Readonly<Record<string, string>> = {
  ...ALWAYS,
  "cache-control": "no-store",
  "vary": "Accept, Cookie",
};

/** Headers of files whose name holds their digest. */
export const IMMUTABLE: Readonly<Record<string, string>> = {
  ...ALWAYS,
  "cache-control": "public, max-age=31536000, immutable",
};
