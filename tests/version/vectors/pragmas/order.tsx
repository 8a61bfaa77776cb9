/** @jsxRuntime automatic */
/* @jsxRuntime classic */
/**
 * @jsxImportSource ./jsx
 * @jsxImportSource ./other
 */
// @jsxImportSource ./line
import "./late.tsx";
import "./classic.tsx";
import "./none.tsx";
export const a = <a />;
