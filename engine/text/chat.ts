import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import type { Tokenizer } from './tokenizer.ts'

/** One message of a conversation. Templates may read additional fields. */
export type ChatMessage = { role: string; content: string; [field: string]: unknown }

/**
 * ChatML, the template for models that have none: every message is enclosed in `<|im_start|>role` and `<|im_end|>`.
 * `trainTokenizer` makes both tokens special.
 */
export const defaultChatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

export type RenderOptions = {
  /** Appends the start of the assistant's answer. Default false. */
  addGenerationPrompt?: boolean
  bosToken?: string
  eosToken?: string
  /** Additional variables for the template, such as `tools`. */
  variables?: Record<string, unknown>
  /** The time that `strftime_now` formats. Without it the template has no such function, so its output is reproducible. */
  now?: Date
}

/**
 * A Jinja chat template in the format of Hugging Face models. The constructor throws an Error when it does not parse.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { ChatTemplate } from '#engine/text/chat.ts'
 *
 * const template = new ChatTemplate("{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}")
 * assert.equal(template.render([{ role: 'user', content: 'Hello' }]), '[user] Hello\n')
 * ```
 */
export class ChatTemplate {
  private readonly program: ReturnType<typeof parse>

  constructor(readonly source: string = defaultChatTemplate) {
    if (source.length > 1_000_000)
      throw new Error(`The chat template has ${source.length} characters; the maximum is 1,000,000.`)
    try {
      this.program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
    } catch (cause) {
      throw new Error(`The chat template does not parse: ${(cause as Error).message}`, { cause })
    }
  }

  /** Renders the conversation as one text. @throws Error when the template raises an exception, for example about the order of roles. */
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
      throw new Error(`The chat template rejects this conversation: ${(cause as Error).message}`, { cause })
    }
  }
}

/**
 * Token ids of a conversation. Special tokens come only from the template: text inside a message or variable that looks like
 * a special token is encoded as ordinary characters, so that a message cannot end its turn or imitate another role.
 */
export function encodeChat(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: Omit<RenderOptions, 'bosToken' | 'eosToken'> = {},
): Int32Array {
  const { text, hidden } = renderHidden(tokenizer, template, messages, options)
  return encodeHidden(tokenizer, text, hidden)
}

/** A conversation as text, in which texts that look like special tokens are replaced by markers with their index in `hidden`. */
function renderHidden(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: Omit<RenderOptions, 'bosToken' | 'eosToken'>,
): { text: string; hidden: string[] } {
  const hidden: string[] = []
  // Before the messages, so that its markers are the same with a message more, whatever that one has.
  const variables = hideSpecials(options.variables ?? {}, tokenizer.specialTokens, hidden) as Record<string, unknown>
  const text = template.render(hideSpecials(messages, tokenizer.specialTokens, hidden) as ChatMessage[], {
    ...options,
    variables,
    bosToken: tokenizer.bosId === null ? '' : tokenizer.tokenText(tokenizer.bosId),
    eosToken: tokenizer.eosId === null ? '' : tokenizer.tokenText(tokenizer.eosId),
  })
  return { text, hidden }
}

function encodeHidden(tokenizer: Tokenizer, text: string, hidden: readonly string[]): Int32Array {
  const ids: number[] = []
  // Every odd piece is the index of a hidden text.
  for (const [i, piece] of text.split(/\uE000(\d+)\uE001/u).entries()) {
    const part =
      i % 2 ? tokenizer.encode(hidden[Number(piece)] ?? '', { parseSpecial: false }) : tokenizer.encode(piece)
    for (const id of part) ids.push(id)
  }
  return Int32Array.from(ids)
}

/**
 * Splits a conversation that ends with an answer into a prompt (all text before the answer, with the answer's start tokens)
 * and a completion (the answer with its end token), for training on completions only. Both are encoded alone, as the prompt is
 * when the model answers: a token never reaches from the prompt into the completion. What the template puts before an answer that
 * is still to come only (such as `<think>`) is no part of either.
 */
export function encodeChatPair(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  variables?: RenderOptions['variables'],
): { prompt: Int32Array; completion: Int32Array } {
  if (messages.at(-1)?.role !== 'assistant') throw new Error('The conversation must end with an assistant message.')
  const before = renderHidden(tokenizer, template, messages.slice(0, -1), { addGenerationPrompt: true, variables })
  const bare = renderHidden(tokenizer, template, messages.slice(0, -1), { variables })
  const { text, hidden } = renderHidden(tokenizer, template, messages, { variables })
  const end = text.startsWith(before.text) ? before.text.length : commonLength(text, before.text)
  const completion = encodeHidden(tokenizer, text.slice(end), hidden)
  if (completion.length === 0 || end < bare.text.length)
    throw new Error(
      'The chat template renders the conversation differently when it has an answer, so prompt and completion cannot be ' +
        'separated. Give prompt and completion as texts.',
    )
  return { prompt: encodeHidden(tokenizer, text.slice(0, end), hidden), completion }
}

/** The number of characters that two texts have in common at their start. */
function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/** Copies a value and replaces text that looks like a special token, anywhere inside, by a private-use marker. */
function hideSpecials(value: unknown, specials: readonly string[], hidden: string[]): unknown {
  if (typeof value === 'string') {
    // Markers in the text itself are replaced too, so that nobody can forge one.
    const pattern = [...specials, '\uE000', '\uE001'].map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
    return value.replace(new RegExp(pattern, 'gu'), (found) => `\uE000${hidden.push(found) - 1}\uE001`)
  }
  if (Array.isArray(value)) return value.map((item) => hideSpecials(item, specials, hidden))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hideSpecials(item, specials, hidden)]))
  }
  return value
}

/** Python's range, limited to 100,000 numbers because templates are untrusted. */
function boundedRange(...bounds: unknown[]): number[] {
  const numbers = bounds.filter((bound) => typeof bound === 'number')
  const [first = Number.NaN, second = Number.NaN, step = 1] = numbers
  const [start, stop] = numbers.length === 1 ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= 100_000)) throw new Error(`range(${numbers}) is too long`)
  return Array.from({ length }, (_, i) => start + i * step)
}

/** The strftime directives that templates use, always in UTC and English. */
function formatTime(now: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const month = new Intl.DateTimeFormat('en', { month: 'long', timeZone: 'UTC' }).format(now)
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
