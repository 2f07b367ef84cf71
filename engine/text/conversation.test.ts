import { expect, test } from 'vitest'
import { ChatTemplate, defaultChatTemplate } from './chat.ts'
import { conversationFor } from './conversation.ts'

const call = { id: 'c1', type: 'function', function: { name: 'paint', arguments: { colour: 'red' } } }
const tools = [{ type: 'function', function: { name: 'paint' } }]
const messages = [
  { role: 'user', content: 'Paint it.' },
  { role: 'assistant', content: '', tool_calls: [call] },
  { role: 'tool', content: 'done', tool_call_id: 'c1' },
]

test('a template that knows tools gets them, and the calls, as they are', () => {
  const source =
    '{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}{{ m.tool_calls | tojson }}{% endfor %}'
  expect(conversationFor(new ChatTemplate(source), { messages, tools })).toEqual({ messages, variables: { tools } })
})

test('any other gets them as texts', () => {
  const template = new ChatTemplate(defaultChatTemplate)
  const { messages: shown, variables } = conversationFor(template, { messages, tools })
  expect(variables).toBeUndefined()
  expect(shown.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool'])
  expect(shown[0]?.content).toContain(JSON.stringify(tools))
  expect(shown[2]).toEqual({ role: 'assistant', content: '{"name":"paint","arguments":{"colour":"red"}}' })
  expect(template.render(shown)).toContain('done')
})

test('a text is one message of the user', () => {
  expect(conversationFor(new ChatTemplate(), 'Hello')).toEqual({ messages: [{ role: 'user', content: 'Hello' }] })
})
