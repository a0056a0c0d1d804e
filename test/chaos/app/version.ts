/** Written anew for each build. */
export const VERSION = "v0";
