import { afterAll } from 'vitest'

/** What `pg` will no longer allow is a fault already: a statement sent while its connection still runs another. */
const found: Error[] = []
process.on('warning', (warning) => {
  if (warning.message.includes('client.query()')) found.push(warning)
})

afterAll(() => {
  if (found[0]) throw found[0]
})
