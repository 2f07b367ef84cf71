import { type Hex, keccak256, stringToBytes } from 'viem'
import type { Client } from '../client.ts'
import { ApiRefusal, ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

const UPLOAD = graphql(`
  mutation ($content: String!, $kind: String!, $key: String!) {
    uploadArtifact(content: $content, kind: $kind, idempotencyKey: $key) { id }
  }`)

/** The kinds of texts that an API stores. */
export type UploadKind = 'sample' | 'specification' | 'rubric' | 'items' | 'prompts' | 'evidence' | 'document'

/**
 * Publishes a text, and returns its name: the keccak256 of its bytes.
 * @throws ClientError when the API says that it stored another text.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, upload } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.match(await upload(client, 'evidence', '{"statement":"It copies contribution 3."}'), /^0x[0-9a-f]{64}$/)
 * ```
 */
export async function upload(client: Client, kind: UploadKind, content: string): Promise<`0x${string}`> {
  const name = keccak256(stringToBytes(content))
  const { uploadArtifact } = await client.ask(UPLOAD, { content, kind, key: `${kind}:${name}` })
  if (uploadArtifact.id !== name)
    throw new ClientError(
      `The API stored another text (${uploadArtifact.id}) than the one that was given (${name}). Connect to another API.`,
    )
  return name
}

/** Stores bytes under their name, unless they are there already. The API takes them from operators.
 *  @throws ApiRefusal when the account's key is not an operator's. */
export async function uploadBytes(client: Client, name: Hex, bytes: Uint8Array): Promise<void> {
  if (await isStored(client, name)) return
  await client.request(`/artifacts/${name}`, {
    method: 'PUT',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'application/octet-stream' },
  })
}

/** Whether the API has an artifact, which may be sealed. */
export async function isStored(client: Client, name: Hex): Promise<boolean> {
  const known = await client.request(`/artifacts/${name}`, { method: 'HEAD' }).catch((error) => {
    if (error instanceof ApiRefusal && error.code === 'HTTP_403') return { ok: true } // sealed: it is there
    throw error
  })
  return known.ok
}
