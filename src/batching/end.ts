/** Stands for the end of one caller's stream; `serve.batch.end` to users. The same in every copy of the package. */
export const END: unique symbol = Symbol.for("edge-serve.batch.end");
