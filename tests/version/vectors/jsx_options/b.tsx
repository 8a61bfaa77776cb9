/** @jsxImportSource own */
export default () => <p>b</p>;
