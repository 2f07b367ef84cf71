import { expect, test } from 'vitest'
import { certainContent, parseAnswer } from './toolCalls.ts'

const names = ['paint']
const call = '{"name": "paint", "arguments": {"colour": "red"}}'

test.each([
  [call, ''],
  [`[${call}, ${call}]`, ''],
  ['{"name":"paint","parameters":{"colour":"red"}}', ''],
  [`I paint.\n<tool_call>\n${call}\n</tool_call>`, 'I paint.'],
  [`<tool_call>${call}</tool_call>\n<tool_call>${call}`, ''],
])('calls are found in %s', (text, content) => {
  const parsed = parseAnswer(text, names, 'f'.repeat(32))
  expect(parsed.content).toBe(content)
  expect(parsed.calls.length).toBe(text.split('"name"').length - 1)
  for (const one of parsed.calls) expect(one).toMatchObject({ name: 'paint', arguments: '{"colour":"red"}' })
  expect(new Set(parsed.calls.map(({ id }) => id)).size).toBe(parsed.calls.length)
})

test.each([
  'red',
  '{"name": "wash", "arguments": {}}',
  '{"name": "paint", "arguments": 5}',
  '{"name": "paint"',
  '<tool_call>red',
])('%s is content', (text) => expect(parseAnswer(text, names, 'id')).toEqual({ content: text, calls: [] }))

test('without tools everything is content', () => {
  expect(parseAnswer(call, [], 'id')).toEqual({ content: call, calls: [] })
  expect(certainContent(call, [])).toBe(call)
})

test('what is told while an answer goes on is always a beginning of its content', () => {
  for (const text of [call, `I paint <b>.\n<tool_call>\n${call}\n</tool_call>`, 'a <tool, b < c', '  [1, 2] is a list'])
    for (let length = 0; length <= text.length; length++) {
      const { content } = parseAnswer(text, names, 'id')
      expect(content.startsWith(certainContent(text.slice(0, length), names))).toBe(true)
    }
})
