import { expect, test } from 'vitest'
import { chatOf, chatText } from './chatRequest.ts'
import { checkJobInput, promptOf } from './jobs.ts'

const consumer = `0x${'11'.repeat(20)}`
const chat = { messages: [{ role: 'user', content: 'Hello' }] }
const text = '{"messages":[{"content":"Hello","role":"user"}]}'
const input = (more: object) => checkJobInput('infer', { endpointId: '1', consumer, ...more })

test('a conversation has one text, whatever the order of its keys, and is found again in it', () => {
  expect(chatText(chat)).toBe(text)
  expect(chatOf(text)).toEqual(chat)
  expect(promptOf(input({ chat: JSON.stringify(chat, null, 2) }))).toBe(text)
})

test('no prompt is a conversation: the text of a call tells which of both it is', () => {
  expect(() => input({ prompt: text })).toThrow(/send it as `chat`/)
  for (const prompt of [`${text} `, text.replace('user', 'king'), '{"messages":[', JSON.stringify(chat)]) {
    expect(promptOf(input({ prompt }))).toBe(prompt)
    expect(chatOf(prompt)).toBeUndefined()
  }
})

test.each([
  [{}, /give a prompt/],
  [{ prompt: 'x', chat: text }, /one of them only/],
  [{ chat: '{}' }, /messages/],
  [{ chat: '{"messages":[]}' }, /messages/],
  [{ chat: '{"messages":[{"role":"user"}]}' }, /content/],
  [{ chat: '{"messages":[{"role":"king","content":"x"}]}' }, /role/],
  [{ chat: '{"messages":[{"role":"user","content":"\\ud800"}]}' }, /surrogate/],
  [{ chat: 'x' }, /JSON/],
])('%j is refused', (given, message) => {
  expect(() => input(given)).toThrow(message)
})
