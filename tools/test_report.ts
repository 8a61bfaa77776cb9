/**
 * What `deno test` prints, cut down to what a reader wants.
 *
 * @module
 */

/** How a report is made. */
export interface TestReportOptions {
  /** Whether lines can be written over. */
  readonly isTerminal: boolean;
  /** Whether all is shown as it comes. */
  readonly isVerbose: boolean;
  /** Shows a text. */
  readonly show: (text: string) => void;
  /** Milliseconds since any time. */
  readonly now?: () => number;
}

/** At most one line of progress in so many milliseconds, where lines stay. */
const EVERY_MS = 10_000;

/** Follows the output of `deno test`. */
export class TestReport {
  readonly #options: TestReportOptions;
  readonly #now: () => number;
  readonly #rests = { out: "", err: "" };
  /** The last lines, for a run that ended before any test did. */
  #last: string[] = [];
  #passed = 0;
  #failed = 0;
  #shownAt: number;
  /** From the heading of the errors on, all is shown. */
  #isFailing = false;
  #total = "";

  /** @param options How it is made. */
  constructor(options: TestReportOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#shownAt = this.#now();
  }

  /**
   * Takes some output.
   *
   * @param text As it came.
   * @param isError Whether it is of the standard error.
   */
  take(text: string, isError = false): void {
    if (this.#options.isVerbose) this.#options.show(text);
    const stream = isError ? "err" : "out";
    const lines = (this.#rests[stream] + text).split("\n");
    this.#rests[stream] = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  /**
   * Says how it ended; the last line is `N passed, N failed`.
   *
   * @param code What `deno test` exited with.
   * @param log Where all of its output is.
   */
  end(code: number, log: string): void {
    for (const rest of Object.values(this.#rests)) if (rest !== "") this.#line(rest);
    this.#clear();
    const { isVerbose, show } = this.#options;
    if (code !== 0 && this.#total === "" && !isVerbose) show(`${this.#last.join("\n")}\n`);
    show(`All output: ${log}\n`);
    const [passed, failed] = [count(this.#total, "passed"), count(this.#total, "failed")];
    show(`${passed} passed, ${failed} failed\n`);
  }

  #line(colored: string): void {
    const line = plain(colored);
    this.#last = [...this.#last.slice(-59), line];
    if (/ passed.*\| \d+ failed/.test(line)) this.#total = line;
    if (line.trim() === "ERRORS") {
      this.#isFailing = true;
      this.#clear();
    }
    if (this.#options.isVerbose) return;
    if (this.#isFailing) return this.#options.show(`${colored}\n`);
    if (/ \.\.\. ok \(/.test(line)) this.#passed++;
    else if (/ \.\.\. FAILED/.test(line)) this.#failed++;
    else return;
    this.#progress();
  }

  #progress(): void {
    const { isTerminal, show } = this.#options;
    const text = `${this.#passed} passed, ${this.#failed} failed so far`;
    if (isTerminal) return show(`\r\x1b[K${text}`);
    if (this.#now() - this.#shownAt < EVERY_MS) return;
    this.#shownAt = this.#now();
    show(`${text}\n`);
  }

  #clear(): void {
    if (this.#options.isTerminal && !this.#options.isVerbose) this.#options.show("\r\x1b[K");
  }
}

function plain(line: string): string {
  // deno-lint-ignore no-control-regex -- what colours are made of
  return line.replaceAll(/\x1b\[[0-9;]*m/g, "");
}

/** Tests and their steps, from Deno's own last line: `12 passed (34 steps) | 1 failed (2 steps)`. */
function count(line: string, word: string): number {
  const found = new RegExp(`(\\d+) ${word}(?: \\((\\d+) steps?\\))?`).exec(line);
  return Number(found?.[1] ?? 0) + Number(found?.[2] ?? 0);
}
