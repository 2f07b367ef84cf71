import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ChatMessage, ChatTemplate, encodeChat, encodeChatPair } from './chat.ts'
import { Tokenizer } from './tokenizer.ts'
import { trainTokenizer } from './trainTokenizer.ts'

const tokenizer = new Tokenizer(trainTokenizer(['user assistant system'], { vocabSize: 300 }))
const template = new ChatTemplate()
const conversation: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi.' },
]

describe('the built-in template', () => {
  test('encloses each message in its two tokens', () => {
    expect(template.render(conversation.slice(0, 2), { addGenerationPrompt: true })).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n',
    )
  })

  test('splits a conversation into prompt and completion', () => {
    const { prompt, completion } = encodeChatPair(tokenizer, template, conversation)
    expect(tokenizer.decode(prompt)).toBe(template.render(conversation.slice(0, 2), { addGenerationPrompt: true }))
    expect(tokenizer.decode(completion)).toBe('Hi.<|im_end|>\n')
    expect(() => encodeChatPair(tokenizer, template, conversation.slice(0, 2))).toThrow('must end with')
  })
})

test('no message can imitate another role, whatever its content', () => {
  const injected = fc.string({
    unit: fc.constantFrom('<|im_end|>', '<|im_start|>', 'a', '\n', '\uE000', '\uE001', '0', '1'),
  })
  const count = (ids: Int32Array) => [...ids].filter((id) => tokenizer.specialIds.has(id)).length
  fc.assert(
    fc.property(injected, injected, (a, b) => {
      const messages = [
        { role: 'system', content: a },
        { role: 'user', content: b },
      ]
      const ids = encodeChat(tokenizer, template, messages)
      expect(count(ids)).toBe(4)
      expect(tokenizer.decode(ids)).toBe(template.render(messages))
    }),
  )
})

test('no tool can either', () => {
  const listing = new ChatTemplate('{% for tool in tools %}{{ tool.name }}{% endfor %}')
  const ids = encodeChat(tokenizer, listing, [], { variables: { tools: [{ name: '<|im_end|>' }] } })
  expect(tokenizer.decode(ids)).toBe('<|im_end|>')
  expect(ids.length).toBeGreaterThan(1)
})

describe('a template of a model', () => {
  test('sees the beginning and end tokens, tools, and its own functions', () => {
    const source = `{{ bos_token }}{% for t in tools %}[{{ t.name }}]{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}{{ eos_token }}`
    const text = new ChatTemplate(source).render([], {
      bosToken: '<s>',
      eosToken: '</s>',
      variables: { tools: [{ name: 'x' }] },
    })
    expect(text).toBe('<s>[x]012</s>')
  })

  test('formats the time only when given one, in English everywhere', () => {
    const source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}never{% endif %}"
    expect(new ChatTemplate(source).render([])).toBe('never')
    expect(new ChatTemplate(source).render([], { now: new Date('2026-03-05T00:00:00Z') })).toBe('05 Mar 2026')
  })

  test('can reject roles with its own message', () => {
    const source = "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
    expect(() => new ChatTemplate(source).render(conversation)).toThrow('user first')
  })

  test('that does not parse, calls an unknown function, or never ends is rejected', () => {
    expect(() => new ChatTemplate('{% for %}')).toThrow('does not parse')
    expect(() => new ChatTemplate('x'.repeat(1_000_001))).toThrow('the maximum is 1,000,000')
    expect(() => new ChatTemplate('{{ nothing.at.all() }}').render([])).toThrow('rejects this conversation')
    expect(() => new ChatTemplate('{% for i in range(1000000000) %}{% endfor %}').render([])).toThrow('too long')
  })

  test('may let the first characters of an answer merge with the last of the prompt', () => {
    const merging = new Tokenizer(trainTokenizer(['a\n\n', 'b\n\n', 'c\n\n'], { vocabSize: 300 }))
    const [, , answer] = conversation
    const messages = [...conversation.slice(0, 2), { ...answer, role: 'assistant', content: '\n\nHello' }]
    expect(merging.encode('\n\n')).toHaveLength(1)
    const { prompt, completion } = encodeChatPair(merging, template, messages)
    expect(prompt).toEqual(encodeChat(merging, template, messages.slice(0, 2), { addGenerationPrompt: true }))
    expect(merging.decode(completion)).toBe('\n\nHello<|im_end|>\n')
  })

  test('may open a thought before an answer that is to come only', () => {
    const thinking = new ChatTemplate(
      "{% for m in messages %}{{ '[' + m.role + ']' + m.content }}{% endfor %}{% if add_generation_prompt %}{{ '[assistant]<think>\n' }}{% endif %}",
    )
    const { prompt, completion } = encodeChatPair(tokenizer, thinking, conversation)
    expect(tokenizer.decode(prompt)).toBe('[system]Be brief.[user]Hello[assistant]')
    expect(tokenizer.decode(completion)).toBe('Hi.')
  })

  test('may list tools before an answer, whatever all of these look like', () => {
    const listing = new ChatTemplate(
      "{% for t in tools %}{{ t.name }}{% endfor %}{% for m in messages %}{{ '[' + m.role + ']' + m.content }}{% endfor %}{% if add_generation_prompt %}{{ '[assistant]' }}{% endif %}",
    )
    const messages = [...conversation.slice(0, 2), { role: 'assistant', content: 'end: <|im_end|>' }]
    const variables = { tools: [{ name: '<|im_start|>' }] }
    const { prompt, completion } = encodeChatPair(tokenizer, listing, messages, variables)
    expect(tokenizer.decode(prompt)).toBe('<|im_start|>[system]Be brief.[user]Hello[assistant]')
    expect(tokenizer.decode(completion)).toBe('end: <|im_end|>')
  })

  test('that renders earlier messages differently after an answer cannot be split', () => {
    const rewriting = new ChatTemplate('{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}')
    expect(() => encodeChatPair(tokenizer, rewriting, conversation)).toThrow('cannot be separated')
  })
})
