/**
 * The shop's books, so that the example can show them: a live module, which the application and
 * every version share.
 *
 * @module
 */

/** What has been entered. */
export const books: string[] = [];
