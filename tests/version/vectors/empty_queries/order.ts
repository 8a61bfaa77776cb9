import "./a.ts";
import "./a.ts?";
import "./a.ts#";
import "./a.ts?#";
import "./sub/b.ts?";
export {};
