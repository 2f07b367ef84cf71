/** Returns a value that the test requires to exist. @throws Error that names it when it is null or undefined. */
export function must<T>(value: T, what = 'value'): NonNullable<T> {
  if (value === null || value === undefined) throw new Error(`The test needs a ${what}, but there is none.`)
  return value
}
