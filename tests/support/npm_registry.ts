/**
 * A registry of npm packages on loopback: documents and archive files, as a registry serves them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { joined } from "../../src/base/bytes.ts";

/** A file in a tar. */
export interface TarEntry {
  /** Its path. */
  readonly path: string;
  /** Its content. */
  readonly content?: string | Uint8Array;
  /** Its type: `0` a file, `2` a link, `x` an extended header. Default `0`. */
  readonly type?: string;
}

const BLOCK = 512;

/** Writes a tar. */
export function tar(entries: readonly TarEntry[]): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const { path, content = "", type = "0" } of entries) {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const header = new Uint8Array(BLOCK);
    const put = (text: string, at: number) => header.set(encoder.encode(text), at);
    put(path, 0);
    put("0000644\0", 100);
    put(bytes.length.toString(8).padStart(11, "0"), 124);
    put("        ", 148);
    put(type, 156);
    put("ustar\0" + "00", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    parts.push(header, bytes, new Uint8Array((BLOCK - bytes.length % BLOCK) % BLOCK));
  }
  return joined([...parts, new Uint8Array(2 * BLOCK)]);
}

/** Compresses a tar. */
export function tarball(entries: readonly TarEntry[]): Uint8Array {
  return gzipSync(tar(entries));
}

/** A record of an extended header. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length++;
  return `${length}${rest}`;
}

/** A package. */
export interface RegistryPackage {
  /** Its name, with its scope. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Its key in a lock; its name and version by default. */
  readonly key?: string;
  /** What the lock says that it needs; the ranges of `dependencies` by default. */
  readonly needs?: readonly string[];
  /** The files besides its `package.json`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What its `package.json` says besides its name and version. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** The ranges of what it imports. */
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package that is served. */
interface Served {
  readonly key: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly needs: readonly string[];
  readonly tarball: Uint8Array;
  readonly integrity: string;
}

/** The registry. */
export class NpmRegistryDouble implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #packages = new Map<string, Served[]>();
  /** The paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** The header without which it answers 401; `undefined`: none is wanted. */
  wants: string | undefined;
  /** Where archive files are, below the registry; as the public registry has them by default. */
  placeOf: (name: string, version: string) => string = (name, version) =>
    `${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`;

  constructor(packages: readonly RegistryPackage[]) {
    for (const each of packages) {
      const { name, version, files, manifest = {}, dependencies = {} } = each;
      const json = JSON.stringify({ name, version, dependencies, ...manifest });
      const bytes = tarball([
        { path: "package/package.json", content: json },
        ...Object.entries(files).map(([path, content]) => ({ path: `package/${path}`, content })),
      ]);
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      const { key = `${name}@${version}` } = each;
      const needs = each.needs ??
        Object.entries(dependencies).map(([to, range]) => `${to}@${range}`);
      const served = { key, version, dependencies, needs, tarball: bytes, integrity };
      this.#packages.set(name, [...this.#packages.get(name) ?? [], served]);
    }
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      this.asked.push(pathname);
      if (this.wants !== undefined && request.headers.get("authorization") !== this.wants) {
        return new Response("who are you?", { status: 401 });
      }
      return this.#answer(decodeURIComponent(pathname.slice(1)));
    });
  }

  /** Its URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Its folder in Deno's cache. */
  get folder(): string {
    return `127.0.0.1_${this.#server.addr.port}`;
  }

  /** What a `deno.lock` says of all packages, by the keys that it has for them. */
  get lock(): Record<string, { integrity: string; dependencies?: readonly string[] }> {
    const entries = [...this.#packages.values()].flat().map(({ key, integrity, needs }) =>
      [key, needs.length === 0 ? { integrity } : { integrity, dependencies: needs }] as const
    );
    return Object.fromEntries(entries);
  }

  #answer(path: string): Response {
    const versions = this.#packages.get(path);
    if (versions !== undefined) {
      return Response.json({
        name: path,
        "dist-tags": { latest: versions.at(-1)!.version },
        versions: Object.fromEntries(versions.map(({ version, integrity, dependencies }) => {
          const dist = { tarball: this.url + this.placeOf(path, version), integrity };
          return [version, { name: path, version, dependencies, dist }];
        })),
      });
    }
    for (const [name, all] of this.#packages) {
      for (const { version, tarball } of all) {
        if (path === this.placeOf(name, version)) return new Response(new Uint8Array(tarball));
      }
    }
    return new Response("there is none", { status: 404 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
