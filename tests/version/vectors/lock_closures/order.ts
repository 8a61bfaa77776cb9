import "npm:a@^1.0.0%20||%20^2.0.0/sub.js";
import "npm:/b";
import "jsr:@s/j@1/";
import "npm:e@1";
import "npm:unknown@^3%2e1";
import "npm:a@2.1.0";
await import("npm:").catch(() => {});
