// llama.cpp in a child process: a line of JSON requests greedy answers, a line of output has the answers and the time.
import { createInterface } from 'node:readline'
import { getLlama } from 'node-llama-cpp'

const [modelPath, threads, contextSize] = process.argv.slice(2)
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: Number(threads), logLevel: 'error' })
const model = await llama.loadModel({ modelPath })
const contexts = new Map()

/** One sequence per row; the sequences of a context are decoded together. */
async function sequencesOf(rows) {
  if (!contexts.has(rows)) {
    const context = await model.createContext({
      sequences: rows,
      contextSize: Number(contextSize),
      batchSize: 512,
      threads: { ideal: Number(threads), min: Number(threads) },
      flashAttention: false,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
    })
    contexts.set(rows, Array.from({ length: rows }, () => context.getSequence()))
  }
  return contexts.get(rows)
}

async function answer(sequence, prompt, count) {
  const tokens = []
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    tokens.push(token)
    if (tokens.length === count) break
  }
  return tokens
}

console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const { prompts, count } = JSON.parse(line)
  const sequences = await sequencesOf(prompts.length)
  for (const sequence of sequences) await sequence.clearHistory()
  const begin = performance.now()
  const tokens = await Promise.all(prompts.map((prompt, row) => answer(sequences[row], prompt, count)))
  const seconds = (performance.now() - begin) / 1000
  console.log(JSON.stringify({ seconds, tokens, peakMiB: process.resourceUsage().maxRSS / 1024 }))
}
process.exit(0)
