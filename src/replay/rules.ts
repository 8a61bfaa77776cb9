/**
 * What workflow code may not take from its surroundings, as data: the guard enforces these rules
 * while the code runs, and a lint plugin can say the same while it is written.
 *
 * @module
 */

/** One global that a replay could not repeat. */
export interface Rule {
  /** How code names it, such as `Deno.readFile`. */
  readonly name: string;
  /** Where the function really is, if not where it is named, such as `Crypto.prototype.randomUUID`. */
  readonly at?: string;
  /** Whether it answers from the run's own time and randomness, or is refused. */
  readonly action: "replace" | "refuse";
  /** What to write in its place. */
  readonly instead: string;
}

const STEP = "ctx.run or an activity";
const LIVE = "the run's input, or a module that is live";

function replace(instead: string, names: Readonly<Record<string, string | null>>): Rule[] {
  return Object.entries(names).map(([name, at]) => ({
    name,
    ...(at === null ? {} : { at }),
    action: "replace",
    instead,
  }));
}

function refuse(instead: string, names: readonly string[], holder?: string, at?: string): Rule[] {
  return names.map((name) => ({
    name: holder === undefined ? name : `${holder}.${name}`,
    ...(at === undefined ? {} : { at: `${at}.${name}` }),
    action: "refuse",
    instead,
  }));
}

/** The rules. */
export const RULES: readonly Rule[] = [
  ...replace("ctx.now()", {
    "Date": null,
    "Date.now": null,
    "performance.now": "Performance.prototype.now",
    "Temporal.Now.instant": null,
    "Temporal.Now.plainDateISO": null,
    "Temporal.Now.plainDateTimeISO": null,
    "Temporal.Now.plainTimeISO": null,
    "Temporal.Now.timeZoneId": null,
    "Temporal.Now.zonedDateTimeISO": null,
  }),
  ...replace("ctx.random()", {
    "Math.random": null,
    "crypto.getRandomValues": "Crypto.prototype.getRandomValues",
  }),
  ...replace("ctx.uuid()", { "crypto.randomUUID": "Crypto.prototype.randomUUID" }),
  ...refuse("ctx.sleep", ["setTimeout", "setInterval", "setImmediate", "Atomics.waitAsync"]),
  ...refuse("ctx.sleep", ["Atomics.wait", "process.nextTick"]),
  ...refuse("an AbortController and ctx.sleep", ["AbortSignal.timeout"]),
  ...refuse("ctx.now()", ["process.hrtime", "process.hrtime.bigint", "process.uptime"]),
  ...refuse(STEP, [
    "fetch",
    "WebSocket",
    "WebSocketStream",
    "EventSource",
    "Worker",
    "SharedWorker",
    "BroadcastChannel",
    "MessageChannel",
    "alert",
    "confirm",
    "prompt",
  ]),
  ...refuse(STEP, ["compile", "instantiate"], "WebAssembly"),
  ...refuse(STEP, ["compileStreaming", "instantiateStreaming"], "WebAssembly"),
  ...refuse(STEP, ["arrayBuffer", "bytes", "text", "stream"], "Blob", "Blob.prototype"),
  ...refuse(
    STEP,
    [
      "decrypt",
      "deriveBits",
      "deriveKey",
      "digest",
      "encrypt",
      "exportKey",
      "generateKey",
      "importKey",
      "sign",
      "unwrapKey",
      "verify",
      "wrapKey",
    ],
    "crypto.subtle",
    "SubtleCrypto.prototype",
  ),
  ...refuse(
    STEP,
    ["getItem", "setItem", "removeItem", "clear", "key"],
    "localStorage",
    "Storage.prototype",
  ),
  ...refuse(STEP, ["open", "has", "delete"], "caches", "CacheStorage.prototype"),
  ...refuse(LIVE, ["get", "set", "has", "delete", "toObject"], "Deno.env"),
  ...refuse(
    LIVE,
    [
      "consoleSize",
      "cpuUsage",
      "cwd",
      "execPath",
      "gid",
      "hostname",
      "loadavg",
      "memoryUsage",
      "networkInterfaces",
      "osRelease",
      "osUptime",
      "systemMemoryInfo",
      "uid",
    ],
    "Deno",
  ),
  ...refuse(
    STEP,
    [
      ...withSync([
        "chmod",
        "chown",
        "copyFile",
        "create",
        "link",
        "lstat",
        "makeTempDir",
        "makeTempFile",
        "mkdir",
        "open",
        "readDir",
        "readFile",
        "readLink",
        "readTextFile",
        "realPath",
        "remove",
        "rename",
        "stat",
        "symlink",
        "truncate",
        "utime",
        "writeFile",
        "writeTextFile",
      ]),
      "Command",
      "addSignalListener",
      "chdir",
      "connect",
      "connectTls",
      "createHttpClient",
      "dlopen",
      "exit",
      "kill",
      "listen",
      "listenTls",
      "openKv",
      "removeSignalListener",
      "resolveDns",
      "serve",
      "spawn",
      "spawnAndWait",
      "spawnAndWaitSync",
      "startTls",
      "umask",
      "upgradeWebSocket",
      "watchFs",
    ],
    "Deno",
  ),
];

function withSync(names: readonly string[]): string[] {
  return names.flatMap((name) => [name, `${name}Sync`]);
}
