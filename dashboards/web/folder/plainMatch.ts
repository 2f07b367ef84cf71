/** Whether a text matches a pattern. Stands in for the engine's own, which Node bounds in time: here the worker is bounded. */
export const matchesInTime = (pattern: RegExp, text: string): boolean => pattern.test(text)
