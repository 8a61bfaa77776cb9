import "one";
