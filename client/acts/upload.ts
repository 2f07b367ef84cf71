import { keccak256, stringToBytes } from 'viem'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
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
