export default 1 as number;
