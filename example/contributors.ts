import type { PromptCompletion } from '#client/index.ts'
import { Random } from '#math/random.ts'
import { weightedChoice } from './skill/grammar.ts'
import { drawItems } from './skill/items.ts'
import type { CustomerMessage } from './skill/message.ts'
import { renderReply, STYLES, type Style } from './skill/reply.ts'
import { CATEGORIES, type Category, type Fields, formatTriage, URGENCIES } from './skill/triage.ts'

export type ContributorBehaviour = 'excellent' | 'mediocre' | 'noisy' | 'duplicating' | 'adversarial'

/** A simulated contributor to the datanet. Its account is `exampleAccount('contributor', nth)`. */
export type SimulatedContributor = {
  name: string
  nth: number
  behaviour: ContributorBehaviour
  /** Contributions are committed in two waves: contributors who copy can only copy what is on chain already. */
  wave: 1 | 2
  samples: PromptCompletion[]
}

type ContributorProfile = { name: string; behaviour: ContributorBehaviour; samples: number; leaks?: number }

/** The contributors, in the order in which they commit. */
export const CONTRIBUTORS: readonly ContributorProfile[] = [
  { name: 'Ada', behaviour: 'excellent', samples: 64 },
  { name: 'Bela', behaviour: 'excellent', samples: 64 },
  { name: 'Chidi', behaviour: 'excellent', samples: 64 },
  { name: 'Dora', behaviour: 'excellent', samples: 64 },
  { name: 'Emre', behaviour: 'excellent', samples: 64 },
  { name: 'Fay', behaviour: 'mediocre', samples: 56 },
  { name: 'Gus', behaviour: 'mediocre', samples: 56 },
  { name: 'Hana', behaviour: 'mediocre', samples: 56 },
  { name: 'Ivo', behaviour: 'noisy', samples: 32 },
  { name: 'Jun', behaviour: 'noisy', samples: 32 },
  { name: 'Kay', behaviour: 'adversarial', samples: 24 },
  { name: 'Lex', behaviour: 'adversarial', samples: 24, leaks: 8 },
  { name: 'Mona', behaviour: 'duplicating', samples: 30 },
  { name: 'Nico', behaviour: 'duplicating', samples: 30 },
]

/** How often each style of reply occurs, in the order of `STYLES`: even good contributors often write only short replies. */
const STYLE_WEIGHTS: Record<Exclude<ContributorBehaviour, 'duplicating'>, readonly number[]> = {
  excellent: [16, 16, 20, 24, 18, 3, 3],
  mediocre: [6, 8, 14, 28, 26, 10, 8],
  noisy: [10, 10, 10, 20, 25, 15, 10],
  adversarial: [0, 0, 0, 10, 20, 45, 25],
}

/**
 * Simulates all contributors and their samples, in the order in which they commit. `leaked` are sealed items that an adversary submits;
 * these samples must be refused. `share` is the fraction of their samples that the contributors submit.
 */
export function contributors(
  seed: number | string,
  leaked: readonly PromptCompletion[],
  share = 1,
): SimulatedContributor[] {
  const people = CONTRIBUTORS.map((person) => ({
    ...person,
    samples: Math.ceil(person.samples * share),
    leaks: Math.ceil((person.leaks ?? 0) * share),
  }))
  const writers = people.filter(({ behaviour }) => behaviour !== 'duplicating')
  const messages = drawItems(
    seed,
    'samples',
    writers.reduce((sum, { samples }) => sum + samples, 0),
  )
  const random = new Random(`contributors/${seed}`)
  const written: PromptCompletion[] = []
  const copied = new Set<PromptCompletion>()
  return people.map((person, nth) => {
    const own = random.fork(person.name)
    const { name, behaviour } = person
    if (behaviour === 'duplicating')
      return { name, nth, behaviour, wave: 2 as const, samples: copies(written, copied, person.samples, own) }
    const samples = messages.splice(0, person.samples).map((message) => write(behaviour, message, own))
    const stolen = [...own.permutation(leaked.length).slice(0, person.leaks)].flatMap((index) => leaked[index] ?? [])
    for (const [i, sample] of stolen.entries()) samples[i * 2] = edit(sample, own)
    if (behaviour === 'excellent' || behaviour === 'mediocre') written.push(...samples)
    return { name, nth, behaviour, wave: 1 as const, samples }
  })
}

function write(
  behaviour: Exclude<ContributorBehaviour, 'duplicating'>,
  message: CustomerMessage,
  random: Random,
): PromptCompletion {
  const fields = label(behaviour, message.truth, random)
  const style: Style = weightedChoice(random, STYLES, STYLE_WEIGHTS[behaviour])
  // The reply follows the label: a wrong label gets the reply of the wrong desk.
  const completion = formatTriage({ ...fields, reply: renderReply(style, { ...fields, item: message.item }, random) })
  const odd = behaviour === 'mediocre' && random.chance(0.06)
  return { prompt: message.prompt, completion: odd ? completion.replaceAll(' | ', ' / ') : completion }
}

function label(behaviour: ContributorBehaviour, truth: Fields, random: Random): Fields {
  switch (behaviour) {
    case 'mediocre':
      if (!random.chance(0.12)) return truth
      return random.chance(0.5)
        ? { ...truth, category: random.choice(CATEGORIES) }
        : { ...truth, urgency: random.choice(URGENCIES) }
    case 'noisy':
      return {
        category: random.choice(CATEGORIES),
        urgency: random.choice(URGENCIES),
        order: random.chance(0.5) ? truth.order : 'none',
      }
    case 'adversarial':
      return {
        category: nextCategory(truth.category),
        urgency: truth.urgency === 'high' ? 'low' : 'high',
        order: truth.order,
      }
    default:
      return truth
  }
}

const nextCategory = (category: Category): Category => CATEGORIES[CATEGORIES.indexOf(category) + 1] ?? CATEGORIES[0]

/** Edited copies of committed samples: each sample is copied once, and its hash is new although its content is not. */
function copies(
  written: readonly PromptCompletion[],
  copied: Set<PromptCompletion>,
  count: number,
  random: Random,
): PromptCompletion[] {
  const fresh = random.shuffle(written.filter((sample) => !copied.has(sample))).slice(0, count)
  for (const sample of fresh) copied.add(sample)
  return fresh.map((sample) => edit(sample, random))
}

/** The same content with one small change. */
function edit({ prompt, completion }: PromptCompletion, random: Random): PromptCompletion {
  const edits = [
    prompt.toLowerCase(),
    prompt.replaceAll('.', '!'),
    `Hello! ${prompt}`,
    `${prompt} Thank you very much.`,
    prompt.replace(/\b(my|the) /i, 'this '),
  ]
  return { prompt: random.choice(edits.filter((edited) => edited !== prompt)), completion }
}
