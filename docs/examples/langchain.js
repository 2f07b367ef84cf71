import { ChatOpenAI } from '@langchain/openai'

// LangChain.js.
const {
  MODELCOMMONS_API: url = 'http://127.0.0.1:4000',
  MODELCOMMONS_API_KEY: apiKey = 'none',
  MODEL: model,
} = process.env
const chat = new ChatOpenAI({ model, apiKey, maxTokens: 16, configuration: { baseURL: `${url}/v1` } })

const answer = await chat.invoke([['user', 'The key of our cabin seems to be missing.']])
console.log('answer', answer.content)
console.log('tokens', answer.usage_metadata.total_tokens)
