import { afterAll } from 'vitest'

/** Fails on a deprecation of `pg`: a statement that is sent while its connection still runs another. */
const found: Error[] = []
const note = (warning: Error) => {
  if (warning.message.includes('client.query()')) found.push(warning)
}
process.on('warning', note)

afterAll(() => {
  process.off('warning', note)
  if (found[0]) throw found[0]
})
