import { type Hex, keccak256, recoverMessageAddress, stringToBytes } from 'viem'
import { canonicalJson } from '#rules/canonicalJson.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

/** What a receipt says: amounts in wei. Prompt and answer may be absent, but then the receipt cannot be verified. */
export interface ReceiptFacts {
  id: string
  endpointId: string
  versionId: string
  channelId: string | null
  consumer: string
  prompt: string | null
  answer: string | null
  tokensIn: number
  tokensOut: number
  fee: string
  cumulative: string
  hash: string
  signature: string
}

const RECEIPT = graphql(`
  query ($id: ID!) {
    receipt(id: $id) {
      id endpointId versionId channelId consumer prompt answer tokensIn tokensOut fee cumulative hash signature
    }
  }`)

export async function readReceipt(client: Client, id: string): Promise<ReceiptFacts> {
  const { receipt } = await client.ask(RECEIPT, { id })
  if (!receipt) throw new ClientError(`There is no receipt ${id}.`)
  return receipt
}

/** What is wrong with a receipt; nothing when it is right. */
export interface ReceiptVerdict {
  valid: boolean
  problems: string[]
  /** Who has signed it. */
  signer: Hex
}

/** Checks that a receipt says what its signature covers, and that the endpoint's host, or a worker of the operator, has signed it: without trust in
 *  whoever gave the receipt. */
export async function verifyReceipt(client: Client, receipt: ReceiptFacts): Promise<ReceiptVerdict> {
  const problems: string[] = []
  const { prompt, answer, hash, signature, consumer, channelId, ...facts } = receipt
  if (prompt === null || answer === null) problems.push('Prompt or answer is missing: the hash covers both.')
  const { id, endpointId, versionId, tokensIn, tokensOut, fee, cumulative } = facts
  const statement = canonicalJson({
    ...{ id, endpointId, versionId, channelId, tokensIn, tokensOut, fee, cumulative },
    consumer: consumer.toLowerCase(),
    promptHash: keccak256(stringToBytes(prompt ?? '')),
    answerHash: keccak256(stringToBytes(answer ?? '')),
  })
  if (keccak256(stringToBytes(statement)) !== hash)
    problems.push('The hash is not that of these facts: one of them was changed.')
  const signer = await recoverMessageAddress({ message: { raw: hash as Hex }, signature: signature as Hex })
  const [host] = await client.read('InferenceMarket', 'endpoints', [BigInt(endpointId)])
  const trainer = await client.read('ModelRegistry', 'TRAINER_ROLE', [])
  const isWorker = await client.read('ModelRegistry', 'hasRole', [trainer, signer])
  if (signer.toLowerCase() !== host.toLowerCase() && !isWorker)
    problems.push(`${signer} has signed it: neither the host of endpoint ${endpointId} (${host}) nor a worker.`)
  return { valid: problems.length === 0, problems, signer }
}
