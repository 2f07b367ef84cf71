import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'

// Vercel's AI SDK.
const { MODELCOMMONS_API: url = 'http://127.0.0.1:4000', MODELCOMMONS_API_KEY: apiKey, MODEL: model } = process.env
const modelcommons = createOpenAICompatible({ name: 'modelcommons', baseURL: `${url}/v1`, apiKey, includeUsage: true })

const answer = streamText({
  model: modelcommons(model),
  prompt: 'The key of our cabin seems to be missing.',
  maxOutputTokens: 16,
  seed: 1,
})
let text = ''
for await (const part of answer.textStream) text += part
console.log('answer', text)
console.log('tokens', (await answer.usage).totalTokens)
