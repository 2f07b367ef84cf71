import type { Hex } from 'viem'
import type { Client } from '../client.ts'
import { isStored } from '../reads/isStored.ts'

/**
 * Stores bytes under their name, unless they are there already. The API takes them from operators.
 * @throws ApiRefusal when the account's key is not an operator's, or the name is not the keccak256 of the bytes.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { keccak256 } from 'viem'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, isStored, uploadBytes } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const bytes = new TextEncoder().encode('the weights')
 * await uploadBytes(client, keccak256(bytes), bytes)
 * assert.ok(await isStored(client, keccak256(bytes)))
 * ```
 */
export async function uploadBytes(client: Client, name: Hex, bytes: Uint8Array): Promise<void> {
  if (await isStored(client, name)) return
  await client.request(`/artifacts/${name}`, {
    method: 'PUT',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/octet-stream' },
  })
}
