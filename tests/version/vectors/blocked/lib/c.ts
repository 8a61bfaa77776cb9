import "none";
await import("b").catch(() => {});
