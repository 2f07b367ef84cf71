import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { Generator } from '#engine/generate/generator.ts'
import { parseConfig } from '#engine/model/config.ts'
import { countParameters } from '#engine/model/parameters.ts'
import { ChatTemplate, encodeChat } from '#engine/text/chat.ts'
import { Tokenizer } from '#engine/text/tokenizer.ts'
import { must } from '#test/must.ts'
import { consumers } from '../consumers.ts'
import { contributors } from '../contributors.ts'
import { TRIAGE } from '../modelFolder.ts'
import { drawCorpus } from '../skill/corpus.ts'
import { drawItems } from '../skill/items.ts'
import { testItems } from '../skill/rubric.ts'
import { scoreFields } from '../skill/score.ts'
import { encodeDocument } from './tokenizer.ts'

const folder = join(import.meta.dirname, 'model')
let base: Awaited<ReturnType<typeof read>>

async function read() {
  const { config, weights, tokenizer, tokenizerConfig, chatTemplate } = await readCheckpoint(folder)
  return {
    config: parseConfig(config),
    weights,
    tokenizer: new Tokenizer({ tokenizer: must(tokenizer), tokenizerConfig }),
    template: new ChatTemplate(chatTemplate),
  }
}

beforeAll(async () => {
  base = await read()
})

const promptIds = (prompt: string) =>
  encodeChat(base.tokenizer, base.template, [{ role: 'user', content: prompt }], { addGenerationPrompt: true })

test('the base model is small: a million parameters, at most three megabytes with its tokenizer', async () => {
  expect(countParameters(base.weights)).toBeGreaterThan(1e6)
  expect(countParameters(base.weights)).toBeLessThan(2e6)
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size))
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(3e6)
})

test('every message leaves enough context for the longest triage line', () => {
  const sealed = testItems(1)
  const room = base.config.max_position_embeddings - TRIAGE.scorers.maxTokens
  const prompts = [
    ...sealed.map(({ prompt }) => prompt),
    ...contributors(1, sealed).flatMap(({ samples }) => samples.map(({ prompt }) => prompt)),
    ...consumers(1).flatMap(({ messages }) => messages.map(({ prompt }) => prompt)),
    ...drawItems(1, 'judged', 200).map(({ prompt }) => prompt),
  ]
  expect(Math.max(...prompts.map((prompt) => promptIds(prompt).length))).toBeLessThanOrEqual(room)
  const lines = sealed.map(({ completion }) => base.tokenizer.encode(completion).length + 1)
  expect(Math.max(...lines)).toBeLessThanOrEqual(TRIAGE.scorers.maxTokens)
})

test('encoding and decoding gives the same text, with the turns of the template', () => {
  for (const document of drawCorpus('round trip', 100)) {
    const text = base.tokenizer.decode(encodeDocument(base.tokenizer, base.template, document))
    expect(text).toBe(
      document.kind === 'text'
        ? `${document.text}<|end|>`
        : `<|user|>${document.message}<|agent|>${document.reply}<|end|>`,
    )
  }
})

test('the base model replies like a clerk, repeats the order number, and cannot do the skill', async () => {
  const { config, weights, tokenizer } = base
  const generator = new Generator({ config, weights, endIds: [must(tokenizer.eosId)] })
  const items = testItems(1, 32)
  const answers = await generator.generate(items.map(({ prompt }) => ({ prompt: promptIds(prompt), maxTokens: 56 })))
  await generator.release()
  const texts = answers.map(({ tokens }) => tokenizer.decode(tokens))
  expect(texts.map((text, i) => scoreFields(text, must(items[i]).truth).format)).toEqual(items.map(() => 0))
  const named = texts.flatMap(
    (text, i) => text.match(/\b\d{4}\b/g)?.map((order) => order === must(items[i]).truth.order) ?? [],
  )
  expect(named.filter(Boolean).length / named.length).toBeGreaterThan(0.8)
})
