await import("none").catch(() => {});
await import("./a.ts").catch(() => {});
await import("lib/../b.ts").catch(() => {});
await import("lib/deep/d.ts").catch(() => {});
await import("lib/c.ts");
await import("b");
await import("").catch(() => {});
