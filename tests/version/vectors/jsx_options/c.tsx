/** @jsxRuntime classic */
const React = {};
export default () => <p>c</p>;
