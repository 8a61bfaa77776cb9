export default () => <></>;
