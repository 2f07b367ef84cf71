import { keccak256, stringToBytes } from 'viem'
import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'

const UPLOAD = graphql(`
  mutation ($content: String!, $kind: String!, $key: String!) {
    uploadArtifact(content: $content, kind: $kind, idempotencyKey: $key) { id }
  }`)

/** The kinds of texts that an API stores. */
export type UploadKind = 'sample' | 'specification' | 'rubric' | 'items' | 'prompts' | 'evidence' | 'document'

/** Publishes a text, and returns its name: the keccak256 of its bytes. */
export async function upload(client: Client, kind: UploadKind, content: string): Promise<`0x${string}`> {
  const key = keccak256(stringToBytes(content))
  const { uploadArtifact } = await client.ask(UPLOAD, { content, kind, key: `${kind}:${key}` })
  return uploadArtifact.id as `0x${string}`
}
