import { type Hex, keccak256, stringToBytes } from 'viem'
import { Random } from '#engine/stats/random.ts'
import { contentHash, type PromptCompletion } from '#rules/sample.ts'
import { documentBytes, itemsDocument, type Rubric } from '#schema/documents.ts'
import { TRIAGE } from '../modelFolder.ts'
import { drawItems } from './items.ts'
import { renderReply } from './reply.ts'
import { type Fields, formatTriage } from './triage.ts'

/** A held-out item. Its completion is one possible right answer; only the fields are compared. */
export type HeldOutItem = PromptCompletion & { truth: Fields }

/** The items for evaluating versions. They stay sealed, and no training stream has any of their messages. */
export const testItems = (seed: number | string, count = 160): HeldOutItem[] => answered(seed, 'test', count)

/** The items on which influence is measured; they are different from the test items. */
export const validationItems = (seed: number | string, count = 128): HeldOutItem[] =>
  answered(seed, 'validation', count)

/** The styles of right answers. There are several, so that influence measures the fields rather than one style. */
const RIGHT = ['caring', 'helpful', 'polite', 'plain'] as const

/** The gold pool: the right answers to `count` of the messages whose answers are judged. */
export const goldItems = (seed: number | string, prompts: number, count: number): HeldOutItem[] =>
  new Random(`gold/${seed}`).shuffle(answered(seed, 'judged', prompts)).slice(0, count)

function answered(seed: number | string, stream: 'test' | 'validation' | 'judged', count: number): HeldOutItem[] {
  const random = new Random(`answers/${seed}/${stream}`)
  return drawItems(seed, stream, count).map(({ prompt, truth, item }) => ({
    prompt,
    completion: formatTriage({ ...truth, reply: renderReply(random.choice(RIGHT), { ...truth, item }, random) }),
    truth,
  }))
}

/** The document of sealed items, which the rubric names by its hash, and the hash of each item. */
export function sealItems(seed: number | string, held: readonly HeldOutItem[]) {
  const salt = keccak256(stringToBytes(`items/${seed}/${held.length}/${held[0]?.prompt}`))
  const document = itemsDocument.parse({ salt, items: held.map(({ prompt, completion }) => ({ prompt, completion })) })
  const hash: Hex = keccak256(documentBytes(document))
  return { document, hash, itemHashes: held.map(contentHash) }
}

/** The rubric document, with the hashes of the sealed items. */
export const rubricOf = (test: Hex, validation: Hex): Rubric => ({ ...TRIAGE.scorers, test, validation })
