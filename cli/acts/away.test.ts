import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { modelcommons } from '../test/program.ts'

/** Of an address at which nobody listens. */
async function closedUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return `http://127.0.0.1:${port}`
}

test('while the API is away, a command says after its first try that it tries again, for how long, and why', async () => {
  const MODELCOMMONS_API = await closedUrl()
  const told = new RegExp(
    `^trying again for 1\\d s: The API at ${MODELCOMMONS_API} does not answer. Is the address right, and is it running\\? \\(ECONNREFUSED\\)$`,
  )
  const away = async (...args: string[]) =>
    (await modelcommons(args, { MODELCOMMONS_API }, ['ECONNREFUSED', 1])).stderr.trim()
  expect(await away('proposals')).toMatch(told)
  expect(JSON.parse(await away('proposals', '--json'))).toEqual({ act: 'request', step: expect.stringMatching(told) })
})
