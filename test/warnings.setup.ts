import { afterAll } from 'vitest'

/** Fails on a deprecation of `pg`: a statement that is sent while its connection still runs another. */
const found: Error[] = []
process.on('warning', (warning) => {
  if (warning.message.includes('client.query()')) found.push(warning)
})

afterAll(() => {
  if (found[0]) throw found[0]
})
