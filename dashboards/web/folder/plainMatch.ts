/** Whether a text matches a pattern. Stands for the engine's own, which Node bounds in time: here the worker is bounded. */
const plainMatch = (pattern: RegExp, text: string): boolean => pattern.test(text)

export { plainMatch as matchesInTime }
