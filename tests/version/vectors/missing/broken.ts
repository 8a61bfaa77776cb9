import "./gone_too.ts";
