import { keccak256, stringToBytes } from 'viem'
import type { PromptCompletion } from '#client/index.ts'
import { Random } from '#math/random.ts'
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

/** Items as a model folder has them, and the salt by which they are sealed. */
export const sealItems = (seed: number | string, held: readonly HeldOutItem[]) => ({
  salt: keccak256(stringToBytes(`items/${seed}/${held.length}/${held[0]?.prompt}`)),
  items: held.map(({ prompt, completion }, place) => ({
    file: 'items.jsonl',
    line: place + 1,
    sample: { prompt, completion },
  })),
})
