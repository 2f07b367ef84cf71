import type { Random } from '#math/random.ts'
import { expandTemplate, sentence } from './grammar.ts'
import { DAYS } from './phrases.ts'
import type { Category, Fields, Urgency } from './triage.ts'

/** Styles of replies. The first two are what a good desk writes; the others each lack something or add something bad. */
export const STYLES = ['caring', 'helpful', 'polite', 'plain', 'curt', 'blaming', 'boasting'] as const
export type Style = (typeof STYLES)[number]

/** The parts of replies of each category. */
type Parts = { sorry: readonly string[]; act: readonly string[]; next: readonly string[]; blame: readonly string[] }

const PARTS: Record<Category, Parts> = {
  delivery: {
    sorry: ['sorry about the delay', 'we are sorry your {item} is late', 'sorry that you have to wait'],
    act: [
      'we are tracing {ref} (now|today|)',
      'we (asked|called) the courier about {ref}',
      'our depot is looking for {ref}',
    ],
    next: ['you will hear from us {soon}', 'we will send you the new date {soon}'],
    blame: ['you should have been at home', 'you gave us a bad address', 'next time read the delivery times'],
  },
  damage: {
    sorry: [
      'sorry that your {item} came broken',
      'we are sorry about the damage',
      'we apologise for the broken {item}',
    ],
    act: [
      'we are (packing|sending) a new {item} for {ref}',
      'a replacement for {ref} is on its way',
      'we noted the damage on {ref}',
    ],
    next: ['please send us a photo of the damage', 'please keep the box, we will call {soon}'],
    blame: ['you must have dropped it', 'you should open boxes with care', 'it was fine when it left us'],
  },
  refund: {
    sorry: ['sorry that the {item} did not suit you', 'we are sorry for the trouble', 'sorry to hear that'],
    act: [
      'we opened a return for {ref}',
      'your refund for {ref} is (started|approved)',
      'we are checking the return of {ref}',
    ],
    next: ['please (print|use) the label in our mail', 'the money will be back {soon}'],
    blame: ['you should have thought before buying', 'you changed your mind, not us', 'next time read the description'],
  },
  billing: {
    sorry: ['sorry about the wrong amount', 'we apologise for the billing trouble', 'we are sorry about this charge'],
    act: [
      'we are (checking|correcting) the bill for {ref}',
      'our accounts team (has|is reviewing) {ref}',
      'we made a new invoice for {ref}',
    ],
    next: ['you will get the right invoice {soon}', 'please send us a copy of your statement'],
    blame: ['you should check what you pay', 'you typed the wrong card', 'next time read the invoice'],
  },
  account: {
    sorry: ['sorry about the login trouble', 'we are sorry you are locked out', 'we apologise for the account problem'],
    act: [
      'we (reset|unlocked) your account and linked {ref}',
      'we are checking your profile and {ref}',
      'your login for {ref} is being repaired',
    ],
    next: ['please use the link in our mail', 'we will send you a new link {soon}'],
    blame: ['you forgot your own password', 'you should write down your password', 'you typed it wrong'],
  },
  technical: {
    sorry: [
      'sorry that the {item} gives you trouble',
      'we are sorry the {item} does not work',
      'we apologise for the faulty {item}',
    ],
    act: [
      'a technician is looking at {ref}',
      'we sent the manual for {ref}',
      'we are testing the same {item} for {ref}',
    ],
    next: ['please unplug it and try again', 'we will call you {soon}'],
    blame: ['you should read the manual', 'you are using it wrong', 'it works if you know how'],
  },
}

/** When something will happen: the more urgent the message, the sooner. */
const SOON: Record<Urgency, readonly string[]> = {
  high: ['today', 'within an hour', 'right away'],
  normal: DAYS.map((day) => `by ${day}`),
  low: ['next week', 'by the end of the month', 'in ten days'],
}

const CURT = ['noted', 'we will see', 'ticket opened', 'we got your mail', 'it is in the queue', 'wait for an answer']
const BOASTS = [
  'we promise it will never happen again',
  'we guarantee a full refund in one hour',
  'we are the best shop in the world',
  'it is fixed (for sure|a hundred percent)',
]
const THANKS = ['thank you for your patience', 'thank you for telling us']

/** Renders a reply in the given style, with the order number or "your request". */
export function renderReply(style: Style, about: Fields & { item: string }, random: Random): string {
  const parts = PARTS[about.category]
  const slots = {
    item: about.item,
    soon: SOON[about.urgency],
    ref: about.order === 'none' ? 'your request' : `order ${about.order}`,
  }
  const say = (choices: readonly string[]) => `${sentence(expandTemplate(random.choice(choices), random, slots))}.`
  const templates: Record<Style, readonly (readonly string[])[]> = {
    caring: [parts.sorry, parts.act, parts.next],
    helpful: [parts.act, parts.next],
    polite: random.chance(0.5) ? [parts.sorry, parts.act] : [parts.act, THANKS],
    plain: [parts.act],
    curt: [CURT],
    blaming: random.chance(0.5) ? [parts.blame] : [parts.blame, CURT],
    boasting: random.chance(0.5) ? [BOASTS] : [parts.act, BOASTS],
  }
  return templates[style].map(say).join(' ')
}
