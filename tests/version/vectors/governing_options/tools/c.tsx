/** @jsxRuntime classic */
export default <a />;
