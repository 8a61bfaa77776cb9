export default <a />;
