/* @jsxImportSource ./jsx @jsxRuntime classic */
/* @jsxRuntime classic */
export const a = <a />;
