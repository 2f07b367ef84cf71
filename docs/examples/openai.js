import OpenAI from 'openai'

// The unmodified client of OpenAI: only its address and its key are others.
const {
  MODELCOMMONS_API: url = 'http://127.0.0.1:4000',
  MODELCOMMONS_API_KEY: apiKey = 'none',
  MODEL: model,
} = process.env
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey })
const messages = [{ role: 'user', content: 'The key of our cabin seems to be missing.' }]

const { data } = await openai.models.list()
console.log('models', data.map(({ id }) => id).join(' '))

const whole = await openai.chat.completions.create({ model, messages, max_tokens: 16, seed: 1 })
console.log('answer', whole.choices[0].message.content)
console.log('receipt', whole.receipt.id, 'costs', whole.receipt.fee, 'wei')

const stream = await openai.chat.completions.create({ model, messages, max_tokens: 16, seed: 1, stream: true })
let streamed = ''
for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? ''
console.log('streamed', streamed)
