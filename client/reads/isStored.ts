import type { Hex } from 'viem'
import type { Client } from '../client.ts'
import { ApiRefusal } from '../errors.ts'

/**
 * Whether the API has an artifact, which may be sealed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, isStored } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.equal(await isStored(client, `0x${'12'.repeat(32)}`), false)
 * ```
 */
export async function isStored(client: Client, name: Hex): Promise<boolean> {
  const known = await client.request(`/artifacts/${name}`, { method: 'HEAD' }).catch((error) => {
    if (error instanceof ApiRefusal && error.code === 'HTTP_403') return { ok: true } // sealed: it is there
    throw error
  })
  return known.ok
}
