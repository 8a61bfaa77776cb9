export default () => <b>import "./not.js"</b>;
