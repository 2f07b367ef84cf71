import { expect, test } from 'vitest'
import { ChatTemplate, defaultChatTemplate } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
import { encodePair, encodePrompt } from './encode.ts'
import { TaskError } from './task.ts'

const tokenizer = new Tokenizer(trainTokenizer(['thing one is red'], { vocabSize: 280 }))
const form = { tokenizer, template: new ChatTemplate(defaultChatTemplate), endId: tokenizer.eosId }
const said = (content: string) => ({ messages: [{ role: 'user', content }] })

test('a conversation of one text is encoded as that text is, also beside its answer', () => {
  const text = 'thing one <|im_end|> is red'
  expect(encodePrompt(form, said(text))).toEqual(encodePrompt(form, text))
  expect(encodePair(form, { prompt: said(text), completion: 'red' })).toEqual(
    encodePair(form, { prompt: text, completion: 'red' }),
  )
  const { template: _, ...plain } = form
  expect(encodePrompt(plain, said(text))).toEqual(encodePrompt(plain, text))
})

test('the prompt of a pair is the prompt that the model answered, with its tools', () => {
  const prompt = {
    messages: [{ role: 'system', content: 'Name colours.' }, ...said('thing').messages],
    tools: [{ type: 'function', function: { name: 'paint' } }],
  }
  expect(encodePair(form, { prompt, completion: 'red' }).prompt).toEqual(encodePrompt(form, prompt))
})

test('a model without a chat template takes no roles and no tools', () => {
  const { template: _, ...plain } = form
  for (const prompt of [
    { messages: [{ role: 'system', content: 'x' }] },
    { messages: [...said('x').messages, ...said('y').messages] },
    { ...said('x'), tools: [{}] },
  ])
    expect(() => encodePrompt(plain, prompt)).toThrow(TaskError)
})
