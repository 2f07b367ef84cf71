import { keccak256, stringToBytes } from 'viem'
import { expect, test } from 'vitest'
import type { Client } from '../client.ts'
import { upload } from './upload.ts'

const answering = (id: string) => ({ ask: async () => ({ uploadArtifact: { id } }) }) as unknown as Client

test('an API that says that it stored another text is not believed', async () => {
  const name = keccak256(stringToBytes('a text'))
  expect(await upload(answering(name), 'document', 'a text')).toBe(name)
  const other = keccak256(stringToBytes('another'))
  await expect(upload(answering(other), 'document', 'a text')).rejects.toThrow(/stored another text/)
})
