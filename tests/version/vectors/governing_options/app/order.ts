import "./view.tsx";
import "../lib/a.ts";
import "../lib/b.tsx";
import "../tools/c.tsx";
import "../up.ts";
import "../script.js";
