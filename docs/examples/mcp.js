import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

// An agent: it asks a model, and then where the answer came from.
const { MODELCOMMONS_API: url = 'http://127.0.0.1:4000', MODELCOMMONS_API_KEY: key, MODEL: model } = process.env
const headers = key ? { authorization: `Bearer ${key}` } : {}
const client = new Client({ name: 'example', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }))

const { tools } = await client.listTools()
console.log('tools', tools.map(({ name }) => name).join(' '))

const prompt = 'The key of our cabin seems to be missing.'
const {
  structuredContent: answer,
  content,
  isError,
} = await client.callTool(
  { name: 'infer', arguments: { model, prompt, maxTokens: 16 } },
  { onprogress: ({ message }) => process.stderr.write(message ?? '') },
)
if (isError) throw new Error(content[0].text)
console.log('answer', answer.text)
console.log('receipt', answer.receipt, 'costs', answer.fee, 'wei')

const { structuredContent: origin } = await client.callTool({
  name: 'lineage',
  arguments: { versionId: answer.version, direction: 'causes' },
})
console.log('from', origin.lineage.nodes.map((node) => node.key).join(' '))
await client.close()
