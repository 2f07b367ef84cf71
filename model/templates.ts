import type { PromptCompletion } from '#rules/sample.ts'
import type { Scorers } from './format.ts'

/** What a template gives to a new folder. */
export interface Template {
  purpose: string
  integration: string
  description: string
  topic: string[]
  /** The form of completions, when it does not follow from the given data. */
  completionPattern(completions: readonly string[]): string
  metrics: Scorers['metrics']
  /** ppm-free: a share of one. */
  targets: { metric: string; minimum: number }[]
  /** Placeholders, where no data is given: at least six. */
  samples: PromptCompletion[]
}

/** More different completions are no labels. */
const MAX_LABELS = 50

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** The labels that the completions have; any text when there are too many. */
function labelPattern(completions: readonly string[]): string {
  const labels = [...new Set(completions)].sort()
  return labels.length <= MAX_LABELS ? labels.map(escaped).join('|') : '[^]+'
}

const pairs = (...texts: [prompt: string, completion: string][]): PromptCompletion[] =>
  texts.map(([prompt, completion]) => ({ prompt, completion }))

export const TEMPLATES: Readonly<Record<'classify' | 'extract' | 'chat', Template>> = {
  classify: {
    purpose: 'Reads a text and answers with one label.',
    integration: 'Programs send the text and get the label.',
    description: 'prompt: a text. completion: its label.',
    topic: [],
    completionPattern: labelPattern,
    metrics: [{ name: 'accuracy', kind: 'exact' }],
    targets: [{ metric: 'accuracy', minimum: 0.5 }],
    samples: pairs(
      ['The soup was warm and the waiter kind.', 'positive'],
      ['We waited an hour for cold bread.', 'negative'],
      ['A bright room with a view of the harbour.', 'positive'],
      ['The lift was broken all week.', 'negative'],
      ['Breakfast had more fruit than we could eat.', 'positive'],
      ['Nobody answered at the front desk.', 'negative'],
    ),
  },
  extract: {
    purpose: 'Reads a text and answers with its facts as JSON.',
    integration: 'Programs send the text and get one JSON object.',
    description: 'prompt: a text. completion: one JSON object with the facts that the text names.',
    topic: [],
    completionPattern: () => '\\{.*\\}',
    metrics: [
      { name: 'facts', kind: 'json' },
      { name: 'format', kind: 'regex', pattern: '^\\{.*\\}$' },
    ],
    targets: [
      { metric: 'facts', minimum: 0.5 },
      { metric: 'format', minimum: 0.9 },
    ],
    samples: pairs(
      ['Two chairs for Ada, on Monday.', '{"count": 2, "item": "chair", "day": "Monday"}'],
      ['Send Bo a lamp before the weekend begins on Friday.', '{"count": 1, "item": "lamp", "day": "Friday"}'],
      ['Tuesday would suit us: five boxes, please.', '{"count": 5, "item": "box", "day": "Tuesday"}'],
      ['The hotel wants forty towels by Sunday night.', '{"count": 40, "item": "towel", "day": "Sunday"}'],
      ['Cleo takes one desk if it comes on Thursday.', '{"count": 1, "item": "desk", "day": "Thursday"}'],
      ['Wednesday, nine plates, the blue ones.', '{"count": 9, "item": "plate", "day": "Wednesday"}'],
    ),
  },
  chat: {
    purpose: 'Answers questions in the tone of its community.',
    integration: 'Programs send a question and get an answer.',
    description: 'prompt: a question. completion: a helpful answer.',
    topic: [],
    completionPattern: () => '[^]+',
    metrics: [{ name: 'words', kind: 'f1' }],
    targets: [{ metric: 'words', minimum: 0.3 }],
    samples: pairs(
      ['When does the library open?', 'It opens at nine, and on Sundays at noon.'],
      ['May I bring my dog to the garden?', 'Yes, on a lead, but not on the playground.'],
      ['Who repairs bicycles here?', 'The workshop behind the station does, on weekdays.'],
      ['How do I borrow a ladder?', 'Ask at the tool shed and leave your name.'],
      ['Is there a place to swim?', 'The lake is open from June until September.'],
      ['Where can I leave old paint?', 'The yard at the mill takes it every Saturday.'],
    ),
  },
}

export type TemplateName = keyof typeof TEMPLATES
