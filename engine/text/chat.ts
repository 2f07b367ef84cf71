import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import type { Tokenizer } from './tokenizer.ts'

/** One turn of a conversation. Templates may read further fields. */
export type ChatMessage = { role: string; content: string; [field: string]: unknown }

/**
 * The template used where a model brings none, known as ChatML: every turn stands between `<|im_start|>role` and
 * `<|im_end|>`. `trainTokenizer` makes both tokens special.
 */
export const defaultChatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

export type RenderOptions = {
  /** Ends with the opening of an answer. Default false. */
  addGenerationPrompt?: boolean
  bosToken?: string
  eosToken?: string
  /** Further variables the template may read, such as `tools`. */
  variables?: Record<string, unknown>
  /** What `strftime_now` tells the time from. Without it the template sees no such function, and output repeats. */
  now?: Date
}

/** A Jinja chat template, as Hugging Face models bring them. Throws an error when it does not parse. */
export class ChatTemplate {
  private readonly program: ReturnType<typeof parse>

  constructor(readonly source: string = defaultChatTemplate) {
    if (source.length > 1_000_000) throw new Error(`A chat template of ${source.length} characters is not accepted.`)
    try {
      this.program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
    } catch (cause) {
      throw new Error(`The chat template does not parse: ${(cause as Error).message}`, { cause })
    }
  }

  /** The conversation as one text. A template's own complaints, such as on the order of roles, become errors. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { addGenerationPrompt = false, bosToken = '', eosToken = '', variables = {}, now } = options
    const environment = new Environment()
    const names: Record<string, unknown> = {
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      range: boundedRange,
      raise_exception: (message: unknown) => {
        throw new Error(String(message))
      },
      ...(now ? { strftime_now: (format: string) => formatTime(now, String(format)) } : {}),
      ...variables,
      messages,
      add_generation_prompt: addGenerationPrompt,
      bos_token: bosToken,
      eos_token: eosToken,
    }
    try {
      for (const [name, value] of Object.entries(names)) environment.set(name, value)
      return String(new Interpreter(environment).run(this.program).value)
    } catch (cause) {
      throw new Error(`The chat template refuses this conversation: ${(cause as Error).message}`, { cause })
    }
  }
}

/**
 * Token ids of a conversation. The spelling of a special token inside a message or a variable is ordinary characters:
 * nobody can close a turn or speak for another role from within a message; only the template's own ones count.
 */
export function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: Omit<RenderOptions, 'bosToken' | 'eosToken'> = {},
): Int32Array {
  const hidden: string[] = []
  const text = template.render(hideSpecials(messages, tokenizer.specialTokens, hidden) as ChatMessage[], {
    ...options,
    variables: hideSpecials(options.variables ?? {}, tokenizer.specialTokens, hidden) as Record<string, unknown>,
    bosToken: tokenizer.bosId === null ? '' : tokenizer.tokenText(tokenizer.bosId),
    eosToken: tokenizer.eosId === null ? '' : tokenizer.tokenText(tokenizer.eosId),
  })
  const ids: number[] = []
  // Odd pieces are the numbers of what was hidden.
  for (const [i, piece] of text.split(/\uE000(\d+)\uE001/u).entries()) {
    const part =
      i % 2 ? tokenizer.encode(hidden[Number(piece)] ?? '', { parseSpecial: false }) : tokenizer.encode(piece)
    for (const id of part) ids.push(id)
  }
  return Int32Array.from(ids)
}

/**
 * Splits a conversation that ends with an answer into what is given and what is to be learnt: the text before the
 * answer, with its opening, and the answer with its end. For training on completions alone.
 */
export function encodeChatPair(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
): { prompt: Int32Array; completion: Int32Array } {
  if (messages.at(-1)?.role !== 'assistant')
    throw new Error('The conversation must end with a message of the assistant.')
  const prompt = encodeChat(tokenizer, template, messages.slice(0, -1), { addGenerationPrompt: true })
  const whole = encodeChat(tokenizer, template, messages)
  if (whole.length <= prompt.length || prompt.some((id, i) => whole[i] !== id)) {
    throw new Error(
      'The chat template writes the conversation differently once it is answered, so prompt and completion cannot be ' +
        'told apart. Give prompt and completion as texts.',
    )
  }
  return { prompt, completion: whole.slice(prompt.length) }
}

/** The same messages with every special token's spelling, in any text inside, replaced by a private mark. */
function hideSpecials(value: unknown, specials: readonly string[], hidden: string[]): unknown {
  if (typeof value === 'string') {
    // Marks in the text itself are hidden too, so that none can be forged.
    const pattern = [...specials, '\uE000', '\uE001'].map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
    return value.replace(new RegExp(pattern, 'gu'), (found) => `\uE000${hidden.push(found) - 1}\uE001`)
  }
  if (Array.isArray(value)) return value.map((item) => hideSpecials(item, specials, hidden))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideSpecials(item, specials, hidden)]))
  }
  return value
}

/** Python's range, for templates that come from strangers: at most 100,000 numbers. */
function boundedRange(...bounds: unknown[]): number[] {
  const numbers = bounds.filter((bound) => typeof bound === 'number')
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= 100_000)) throw new Error(`range(${numbers}) is too long`)
  return Array.from({ length }, (_, i) => start + i * step)
}

const months = 'January February March April May June July August September October November December'.split(' ')

/** The directives of strftime that templates use, in UTC and English everywhere. */
function formatTime(now: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const month = months[now.getUTCMonth()]
  const directives: Record<string, string> = {
    '%Y': String(now.getUTCFullYear()),
    '%m': two(now.getUTCMonth() + 1),
    '%d': two(now.getUTCDate()),
    '%b': month.slice(0, 3),
    '%B': month,
    '%H': two(now.getUTCHours()),
    '%M': two(now.getUTCMinutes()),
    '%S': two(now.getUTCSeconds()),
    '%%': '%',
  }
  return format.replace(/%./g, (directive) => directives[directive] ?? directive)
}
