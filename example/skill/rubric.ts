import { type Hex, keccak256, stringToBytes } from 'viem'
import { Random } from '#engine/stats/random.ts'
import { contentHash, type PromptCompletion } from '#rules/sample.ts'
import { documentBytes, itemsDocument, type Rubric, type Specification } from '#schema/documents.ts'
import { drawItems } from './items.ts'
import { renderReply } from './reply.ts'
import { CATEGORIES, type Fields, formatTriage, URGENCIES } from './triage.ts'

/** A held-out item. Its completion is one possible right answer; only the fields are compared. */
export type HeldOutItem = PromptCompletion & { truth: Fields }

/** The pattern of a complete triage line. */
export const LINE_PATTERN = `(${CATEGORIES.join('|')}) \\| (${URGENCIES.join('|')}) \\| (\\d{4}|none) \\| .{4,240}`

/** The metrics: the three fields together and separately, and whether the line can be parsed. */
export const METRICS: Rubric['metrics'] = [
  { name: 'fieldsExact', kind: 'fields', separator: ' | ', fields: [0, 1, 2] },
  { name: 'category', kind: 'fields', separator: ' | ', fields: [0] },
  { name: 'urgency', kind: 'fields', separator: ' | ', fields: [1] },
  { name: 'order', kind: 'fields', separator: ' | ', fields: [2] },
  { name: 'format', kind: 'regex', pattern: `^${LINE_PATTERN}$` },
]

/** The mandate's targets, for the lower end of the interval, ppm. */
export const TARGETS = [
  { metric: 'fieldsExact', minimum: 450_000n, mayFall: false },
  { metric: 'format', minimum: 900_000n, mayFall: false },
]

/** The length of the longest triage line in tokens of the example's tokenizer, with its end token. */
export const MAX_TOKENS = 56

/** What the proposal requires of samples; the message of a sample may be any English text. */
export const SAMPLES: Specification['samples'] = {
  description:
    'prompt: a customer message in plain English. completion: category | urgency | order | reply, with a category of ' +
    `${CATEGORIES.join(', ')}, an urgency of ${URGENCIES.join(', ')}, and the four digits of the order or none.`,
  completionPattern: LINE_PATTERN,
  topic: [],
  maxPromptLength: 400,
}

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
export const rubricOf = (test: Hex, validation: Hex): Rubric => ({
  metrics: METRICS,
  test,
  validation,
  maxTokens: MAX_TOKENS,
})
