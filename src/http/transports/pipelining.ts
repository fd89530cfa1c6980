/**
 * Requests that one connection may have sent ahead of their answers; with more it is closed. Each takes the memory of its
 * headers, and of what a parser does with all of them at once every other caller waits for the end.
 */
export const MAX_PIPELINED = 64;
