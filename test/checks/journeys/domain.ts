import type { PromptCompletion } from '#rules/sample.ts'
import { type SeededRandom, seededRandomAt } from '#test/simulator/random.ts'

/** A skill other than the example's: the letters of guests of a mountain inn, and the desk that each is for. */

const NOUNS = {
  room: 'window bed heating shower key balcony lamp wardrobe blanket mirror',
  meal: 'soup breakfast bread coffee trout dessert salad tea omelette cheese',
  bill: 'invoice deposit receipt discount tax payment refund price surcharge voucher',
  trip: 'ferry museum bus guide bicycle harbour taxi map train glacier',
} as const

export type Desk = keyof typeof NOUNS
export const DESKS = Object.keys(NOUNS) as Desk[]

const OPENERS =
  'Good evening from cabin four.|Hello again,|A short note before we leave:|Dear innkeeper,|My brother asks:|Sorry to write so late.|Greetings from the second floor.|Could somebody help?|We arrived on Sunday.|Just so that you know:|With kind regards from Oslo.|One question, please.|After a long walk today:|Our whole group wonders:|Before I forget it:'.split(
    '|',
  )
const REMARKS =
  'was not what we expected|is better than last year|seems to be missing|needs another look|came far too late|pleased my whole family|confused my grandmother|cannot be what you promised|surprised us this morning|is still a riddle to me|could be a little nicer|made my sister laugh|is all we talk about|looks different on your website|should be ready by noon'.split(
    '|',
  )
const PLACES =
  'of our cabin|from the leaflet|that you showed us|on the upper floor|near the old barn|for my daughter|of this week|behind the kitchen|by the lake|you wrote about|in the blue folder|from the first evening|with the red mark|that Hal praised|for four people'.split(
    '|',
  )
const CLOSERS =
  'Thank you, Ada.|Bo and Cleo.|Yours, Dan.|What do you suggest?|Please answer before dinner.|See you at the desk.|I shall come down at eight.|Eve, cabin nine.|No hurry at all.|Finn.|Until tomorrow!|My number is with the porter.|Gus and the children.|It matters to us.|That is all.'.split(
    '|',
  )

const oneOf = <T>(random: SeededRandom, all: readonly T[]): T => all[random(all.length)] as T

export interface Letter extends PromptCompletion {
  completion: Desk
}

/** Letters, all different. `stream` tells apart those that are given, judged and asked. */
export function drawLetters(seed: number, stream: number, count: number): Letter[] {
  const random = seededRandomAt(seed, stream)
  const letters = new Map<string, Letter>()
  for (let nth = 0; letters.size < count; nth++) {
    const desk = DESKS[nth % DESKS.length] as Desk
    const noun = oneOf(random, NOUNS[desk].split(' '))
    const prompt = `${oneOf(random, OPENERS)} The ${noun} ${oneOf(random, PLACES)} ${oneOf(random, REMARKS)}. ${oneOf(random, CLOSERS)}`
    letters.set(prompt, { prompt, completion: desk })
  }
  return [...letters.values()]
}

const REPLIES: Readonly<Record<Desk, string>> = {
  room: 'We send the caretaker to your door.',
  meal: 'The cook will hear of it in the kitchen.',
  bill: 'The clerk looks at your account.',
  trip: 'The porter asks at the station.',
}

/** What the base model has read: letters with their replies, which never name a desk. */
export const drawDialogues = (seed: number, count: number) =>
  drawLetters(seed, 9, count).map(({ prompt, completion }) => ({ message: prompt, reply: REPLIES[completion] }))
