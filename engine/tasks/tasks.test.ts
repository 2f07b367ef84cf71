import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint, writeCheckpoint } from '#engine/formats/checkpoint.ts'
import { initialAdapter, loraConfig } from '#engine/model/lora.ts'
import { areaUnderCurve } from '#engine/stats/test/comparison.ts'
import { must } from '#test/must.ts'
import { evaluateTask } from './evaluate.ts'
import { answerParts, explainAnswerTask } from './explainAnswer.ts'
import { type FineTuneTaskInput, fineTuneTask } from './fineTune.ts'
import { generateTask } from './generate.ts'
import { influenceTask, mismatchedPairs } from './influence.ts'
import { adapterOf } from './models.ts'
import { scoreOf } from './rubric.ts'
import { type EngineEvent, type TaskContext, TaskError } from './task.ts'
import { colourPairs, tinyModel } from './test/tinyModel.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
let adapterFolder: string
const events: EngineEvent[] = []
const context = (): TaskContext => ({ emit: (event) => events.push(event), signal: new AbortController().signal })
const samples = colourPairs(32)
const items = colourPairs(44).slice(32)
const rubric = {
  maxTokens: 12,
  metrics: [
    { name: 'colour', kind: 'fields' as const, separator: ' | ', fields: [1] },
    { name: 'whole', kind: 'exact' as const },
    { name: 'words', kind: 'f1' as const },
    { name: 'form', kind: 'regex' as const, pattern: '^colour \\| \\w+$' },
    { name: 'perplexity', kind: 'perplexity' as const },
  ],
}

const training = (outFolder: string): FineTuneTaskInput => ({
  baseFolder: model.baseFolder,
  samples,
  lora: { rank: 4 },
  training: { epochs: 12, batchSize: 8, learningRate: 0.02, seed: 1 },
  outFolder,
})

beforeAll(async () => {
  model = await tinyModel()
  adapterFolder = join(model.folder, 'adapter')
  await fineTuneTask(training(adapterFolder), context())
})
afterAll(() => model.remove())

test('a fine-tuned model answers as in its samples, and the task emits metrics and progress', async () => {
  const requests = items.map(({ prompt }) => ({ prompt, maxTokens: 12 }))
  const { answers } = await generateTask({ baseFolder: model.baseFolder, adapterFolder, requests }, context())
  const right = answers.filter(({ text }, index) => text === must(items[index]).completion)
  expect(right.length).toBeGreaterThanOrEqual(10)
  expect(right[0]).toMatchObject({ finish: 'stop' })
  const losses = events.flatMap((event) => (event.type === 'metric' && event.name === 'loss' ? [event] : []))
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 48 }, (_, step) => step + 1))
  expect(must(losses.at(-1)).value).toBeLessThan(must(losses[0]).value / 5)
  expect(events.filter((event) => event.type === 'progress').at(-1)).toMatchObject({ done: 1 })
})

test('no answer and no token of one has U+0000, which databases refuse', async () => {
  const requests = Array.from({ length: 8 }, (_, seed) => ({
    ...{ prompt: 'a', maxTokens: 40, temperature: 5, topLogProbabilities: 20, seed },
  }))
  const { answers } = await generateTask({ baseFolder: model.baseFolder, requests }, context())
  expect(JSON.stringify(answers)).not.toContain(String.raw`\u0000`)
})

test('an evaluation scores by each metric of the rubric and logs every answer', async () => {
  const input = { baseFolder: model.baseFolder, adapterFolder, items, rubric, seed: 1 }
  const { metrics, log, summary } = await evaluateTask(input, context())
  const [colour, whole, words, form, perplexity] = metrics
  for (const metric of [must(colour), must(whole), must(words), must(form)]) {
    expect(metric.score).toBeGreaterThan(0.8)
    expect(metric.lower).toBeLessThan(metric.score)
    expect(metric.n).toBe(12)
  }
  expect(must(perplexity).score).toBeGreaterThanOrEqual(1)
  expect(must(perplexity).score).toBeLessThan(4)
  expect(log).toMatchObject({ version: 2, status: 'success', results: { total_samples: 12 } })
  expect(summary).toMatchObject({ results: { rubric: { 'exact,none': must(whole).score } } })
  expect(await evaluateTask(input, context())).toEqual({ metrics, log, summary })
  const untrained = await evaluateTask({ ...input, adapterFolder: undefined }, context())
  expect(must(untrained.metrics[0]).score).toBe(0)
})

test('an evaluation can use multiple choice, and its interval is wider for clustered items', async () => {
  const colours = ['red', 'green', 'blue', 'black'].map((colour) => `colour | ${colour}`)
  const asked = items.map((item, index) => ({ ...item, choices: colours, cluster: `${Math.floor(index / 6)}` }))
  const metrics = [{ name: 'choice', kind: 'choice' as const }]
  const input = { baseFolder: model.baseFolder, adapterFolder, rubric: { maxTokens: 1, metrics }, seed: 1 }
  const {
    metrics: [chosen],
  } = await evaluateTask({ ...input, items: asked.map(({ cluster: _, ...item }) => item) }, context())
  expect(must(chosen).score).toBeGreaterThan(0.8)
  const wrong = asked.map((item, index) => (index < 6 ? { ...item, completion: 'colour | white' } : item))
  await expect(evaluateTask({ ...input, items: wrong }, context())).rejects.toThrow(/Item 0 has no choices, or/)
  // One of two clusters is completely wrong: the estimate of one half is very uncertain.
  const half = asked.map((item, index) => (index < 6 ? { ...item, completion: must(colours[(index + 1) % 4]) } : item))
  const spread = async (some: typeof half) => {
    const [found] = (await evaluateTask({ ...input, items: some }, context())).metrics
    return must(found).upper - must(found).lower
  }
  expect(await spread(half)).toBeGreaterThan(
    await spread(half.map((item, index) => ({ ...item, cluster: `${index}` }))),
  )
})

test('an answer is right only if all listed fields are equal; a malformed answer is wrong', () => {
  const metric = { name: 'fields', kind: 'fields' as const, separator: ' | ', fields: [0, 2] }
  expect(scoreOf(metric, 'a | x |  c ', 'a | b | c')).toBe(1)
  expect(scoreOf(metric, 'a | b', 'a | b | c')).toBe(0)
  expect(scoreOf(metric, '', 'a | b | c')).toBe(0)
  const json = { name: 'json', kind: 'json' as const }
  expect(scoreOf(json, 'Here: {"a": 1, "b": [2], "c": 0}.', '{"a": 1, "b": [3]}')).toBe(0.5)
  expect(scoreOf(json, 'none', '{"a": 1}')).toBe(0)
  expect(() => scoreOf(json, '{}', '[1]')).toThrow(/not a JSON object/)
  expect(() => scoreOf({ ...metric, separator: undefined }, 'a', 'a')).toThrow(/has no separator/)
  expect(scoreOf({ name: 'form', kind: 'regex', pattern: '^(a+)+$' }, `${'a'.repeat(60)}!`, '')).toBe(0)
  expect(() => scoreOf({ name: 'form', kind: 'regex', pattern: '(' }, 'a', 'a')).toThrow(
    /not a valid regular expression/,
  )
})

test('samples that teach the skill help more than samples that teach its opposite', async () => {
  // The model names the colours in this form already. Every third sample names another colour than its prompt: what it
  // teaches can only harm, whatever the seed, and the others work against it.
  const pairs = colourPairs(44, 'shade: ')
  const [known, validation] = [pairs.slice(0, 32), pairs.slice(32)]
  const wrong = (index: number) => index % 3 === 0
  const mixed = known.map((sample, index) =>
    wrong(index) ? { ...sample, completion: must(known[(index + 1) % known.length]).completion } : sample,
  )
  const young = join(model.folder, 'young')
  const plan = { ...training(young), samples: mixed }
  const halfwayFolder = join(model.folder, 'younger')
  await fineTuneTask({ ...plan, training: { ...plan.training, epochs: 8 }, halfwayFolder }, context())
  const sketchFile = join(model.folder, 'sketches')
  const input = {
    baseFolder: model.baseFolder,
    adapterFolder: young,
    earlierAdapterFolders: [halfwayFolder],
    samples: mixed,
    others: mixed.slice(0, 1),
    validation,
    sketchFile,
  }
  const { influences: all } = await influenceTask(input, context())
  const influences = all.slice(0, mixed.length)
  expect(all.slice(mixed.length)).toEqual(influences.slice(0, 1)) // the same text again
  const meanOf = (chosen: boolean) => {
    const values = influences.filter((_, index) => wrong(index) === chosen).map(({ mean }) => mean)
    return values.reduce((a, b) => a + b, 0) / values.length
  }
  expect(meanOf(false)).toBeGreaterThan(0)
  expect(meanOf(true)).toBeLessThan(0)
  const right = mixed.map((_, index) => !wrong(index))
  expect(
    areaUnderCurve(
      influences.map(({ mean }) => mean),
      right,
    ),
  ).toBeGreaterThan(0.95)
  expect(influences.every(({ standardError }) => standardError > 0)).toBe(true)

  const question = { prompt: 'thing 7 is red', answer: 'shade: red' }
  const {
    tokens,
    influences: traced,
    similarities,
    spans,
  } = await explainAnswerTask(
    { baseFolder: model.baseFolder, adapterFolder: young, ...question, samples: mixed, sketchFile, minSpan: 2 },
    context(),
  )
  expect(tokens).toBeGreaterThan(1)
  expect(traced).toHaveLength(mixed.length)
  expect(similarities.every((value) => value >= -1 && value <= 1)).toBe(true)
  const holders = mixed.flatMap(({ completion }, index) => (completion === 'shade: red' ? [index] : []))
  expect(spans).toEqual([{ start: 0, end: tokens, text: 'shade: red', occurrences: holders.length, samples: holders }])
  await expect(explainAnswerTask({ ...input, ...question, samples: mixed.slice(1) }, context())).rejects.toThrow(
    /contains 32 sketches for 31 samples/,
  )
})

test('a conversation that a template refuses with its answer is a fault of who asked: no epoch waits for its tracing', async () => {
  const baseFolder = join(model.folder, 'alternating')
  await cp(model.baseFolder, baseFolder, { recursive: true })
  const alternating = `{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ m.content }}{% endfor %}`
  await writeFile(join(baseFolder, 'chat_template.jinja'), alternating)
  const said = (role: string) => ({ role, content: 'thing 7 is' })
  const prompt = { messages: [said('user'), said('assistant')] }
  const { answers } = await generateTask({ baseFolder, adapterFolder, requests: [{ prompt, maxTokens: 3 }] }, context())
  const answer = must(answers[0]).text
  const tracing = explainAnswerTask({ baseFolder, adapterFolder, prompt, answer, samples, sketchFile: '' }, context())
  await expect(tracing).rejects.toThrow(TaskError)
  await expect(tracing).rejects.toThrow('roles must alternate')
})

test('an aborted run saves its state and resumes to the same bytes', async () => {
  const [once, twice] = [join(model.folder, 'once'), join(model.folder, 'twice')]
  const halves = (folder: string) => ({ ...training(folder), halfwayFolder: `${folder}-half` })
  await fineTuneTask(halves(once), context())
  const abort = new AbortController()
  const input = { ...halves(twice), checkpointFile: join(model.folder, 'checkpoint'), checkpointEvery: 1000 }
  const first = fineTuneTask(input, {
    signal: abort.signal,
    emit: (event) => event.type === 'metric' && event.step === 24 && abort.abort(new Error('enough')),
  })
  await expect(first).rejects.toThrow('enough')
  let firstStep = 0
  await fineTuneTask(input, {
    ...context(),
    emit: (event) => event.type === 'metric' && (firstStep ||= event.step),
  })
  expect(firstStep).toBe(25)
  const bytes = (folder: string) => readFile(join(folder, 'adapter_model.safetensors'))
  expect((await bytes(twice)).equals(await bytes(once))).toBe(true)
  expect((await bytes(`${twice}-half`)).equals(await bytes(`${once}-half`))).toBe(true)
  expect((await bytes(`${twice}-half`)).equals(await bytes(twice))).toBe(false)
})

test('a checkpoint of a run with other data, settings or starting weights is refused', async () => {
  const file = join(model.folder, 'own')
  const run = (over: Partial<FineTuneTaskInput> = {}): FineTuneTaskInput => ({
    ...training(join(model.folder, 'resumed')),
    training: { epochs: 1, batchSize: 8, learningRate: 0.02, seed: 1 },
    checkpointFile: file,
    ...over,
  })
  const { training: plan } = run()
  await fineTuneTask(run(), context())
  await fineTuneTask(run(), context())
  const others: Partial<FineTuneTaskInput>[] = [
    { samples: colourPairs(33).slice(1) },
    { samples: samples.map((sample) => ({ ...sample, weight: 0.5 })) },
    { training: { ...plan, learningRate: 0.01 } },
    { training: { ...plan, schedule: 'linear' } },
    { lora: { rank: 4, alpha: 64 } },
    { adapterFolder },
  ]
  for (const other of others)
    await expect(fineTuneTask(run(other), context()), JSON.stringify(Object.keys(other))).rejects.toThrow(
      'belongs to a run with other data, another base model or other settings',
    )
})

test('an answer of any length is divided into parts that contain each token once', () => {
  for (const tokens of [1, 3, 16, 17, 40]) {
    const row = { ids: Array.from({ length: 5 + tokens }, (_, id) => id), mask: [] }
    const parts = answerParts(row, tokens)
    expect(parts).toHaveLength(Math.min(16, tokens))
    const learned = parts.flatMap(({ ids, mask }) => Array.from(ids).filter((_, at) => mask[at]))
    expect(learned).toEqual(row.ids.slice(5))
    for (const { ids, mask } of parts) expect([mask.length, Array.from(mask).at(-1)]).toEqual([ids.length, 1])
  }
})

test('each validation item is paired with a different answer of another item', () => {
  const answered = (answers: string) => [...answers].map((completion, index) => ({ prompt: `${index}`, completion }))
  const completions = (answers: string) => mismatchedPairs(answered(answers)).map(({ completion }) => completion)
  expect(completions('abcd')).toEqual(['c', 'd', 'a', 'b'])
  expect(completions('abab')).toEqual(['b', 'a', 'b', 'a'])
  expect(completions('aaaa')).toEqual([])
  expect(mismatchedPairs(answered('aab')).map(({ prompt }) => prompt)).toEqual(['0', '1', '2'])
})

test('invalid input is rejected with a message that says what to change', async () => {
  const { baseFolder, folder } = model
  const requests = [{ prompt: 'thing', maxTokens: 4 }]
  await expect(generateTask({ baseFolder: join(folder, 'none'), requests }, context())).rejects.toThrow(/no model in/)
  await expect(generateTask({ baseFolder, adapterFolder: join(folder, 'none'), requests }, context())).rejects.toThrow(
    /no adapter in/,
  )
  await expect(
    generateTask({ baseFolder, requests: [{ prompt: 'thing '.repeat(200), maxTokens: 4 }] }, context()),
  ).rejects.toThrow(/Request 0.*Shorten it/)
  await expect(fineTuneTask({ ...training(join(folder, 'x')), samples: [] }, context())).rejects.toThrow(/no samples/)
  const weighty = [{ ...must(samples[0]), weight: Number.NaN }]
  await expect(fineTuneTask({ ...training(join(folder, 'x')), samples: weighty }, context())).rejects.toThrow(
    /weight of an example is NaN/,
  )
  const nowhere = { ...training(join(folder, 'x')), checkpointFile: join(baseFolder, 'config.json', 'below') }
  await expect(fineTuneTask(nowhere, context())).rejects.toThrow(/checkpoint .* could not be written/)
  await expect(evaluateTask({ baseFolder, items: [], rubric, seed: 1 }, context())).rejects.toThrow(/no items/)
})

test('an adapter for another base model, and a model with NaN weights, are rejected', async () => {
  const { folder, baseFolder, config } = model
  const lora = loraConfig({ rank: 2 })
  const other = join(folder, 'other')
  const weights = initialAdapter({ ...config, hidden_size: 48 }, lora, 1)
  await writeAdapter(other, adapterOf({ lora, weights }))
  const requests = [{ prompt: 'thing', maxTokens: 4 }]
  await expect(generateTask({ baseFolder, adapterFolder: other, requests }, context())).rejects.toThrow(/do not match/)
  const broken = join(folder, 'broken')
  await cp(baseFolder, broken, { recursive: true })
  const checkpoint = await readCheckpoint(broken)
  must(checkpoint.weights.get('model.norm.weight')).data[0] = Number.NaN
  const writing = writeCheckpoint(broken, checkpoint, { replace: true }).then(() =>
    generateTask({ baseFolder: broken, requests }, context()),
  )
  await expect(writing).rejects.toThrow(/NaN|finite/)
  await writeFile(
    join(broken, 'model.safetensors'),
    (await readFile(join(baseFolder, 'model.safetensors'))).subarray(0, 999),
  )
  await expect(generateTask({ baseFolder: broken, requests }, context())).rejects.toThrow(/safetensors/)
})

test('a model that changes on disk is loaded again', async () => {
  const { folder, baseFolder } = model
  const changing = join(folder, 'changing')
  await cp(baseFolder, changing, { recursive: true })
  const requests = [{ prompt: 'thing 1 is red', maxTokens: 8 }]
  const [first] = (await generateTask({ baseFolder: changing, requests }, context())).answers
  const checkpoint = await readCheckpoint(changing)
  for (const { data } of checkpoint.weights.values()) data.reverse()
  await writeCheckpoint(changing, checkpoint, { replace: true })
  const [second] = (await generateTask({ baseFolder: changing, requests }, context())).answers
  expect(must(second).text).not.toBe(must(first).text)
})
