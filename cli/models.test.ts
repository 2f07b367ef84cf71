import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'

const program = fileURLToPath(new URL('../bin/modelcommons.js', import.meta.url))
let model: Awaited<ReturnType<typeof tinyModel>>
let home: string

beforeAll(async () => {
  model = await tinyModel()
  home = await mkdtemp(join(tmpdir(), 'models-'))
})
afterAll(async () => {
  await model.remove()
  await rm(home, { recursive: true, force: true })
})

/** Runs `modelcommons models …` as a user does, but without a terminal. */
const models = (...args: string[]) =>
  new Promise<{ code: number; out: string; said: string }>((resolve) => {
    const env = { ...process.env, MODELCOMMONS_HOME: home }
    execFile(process.execPath, [program, 'models', ...args], { env, cwd: model.folder }, (error, out, said) =>
      resolve({ code: error ? Number(error.code) : 0, out, said }),
    )
  })

test('a model is imported, listed, inspected and trained, and answers as trained', async () => {
  expect((await models('list')).out).toContain('modelcommons models import <folder>')
  const imported = await models('import', model.baseFolder, '--name', 'colours')
  expect(imported).toMatchObject({ code: 0, said: '' })
  const listed = await models('list')
  expect(listed.out).toMatch(/^colours\tllama, 0\.\d+ M parameters, 2 layers, 64 tokens\n$/)
  const { out } = await models('inspect', 'colours')
  expect(out).toContain('tokenizer yes, chat template yes')
  expect(out).toContain('model.embed_tokens.weight\tF32 [304,32]')

  const data = join(model.folder, 'data.jsonl')
  await writeFile(
    data,
    colourPairs(32)
      .map((sample) => JSON.stringify(sample))
      .join('\n'),
  )
  const plan = ['--data', data, '--out', 'taught', '--rank', '4', '--epochs', '12', '--learning-rate', '0.02']
  const trained = await models('train', 'colours', ...plan)
  expect(trained.out).toMatch(/taught\t48 steps, loss 0\.\d{4}, \d+ tokens\n$/)
  expect((await readdir(join(model.folder, 'taught'))).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  const taught = join(model.folder, 'taught')
  const [before, after] = await Promise.all([
    models('generate', 'colours', 'thing 1 is green'),
    models('generate', 'colours', 'thing 1 is green', '--adapter', taught),
  ])
  expect(before.out).toMatch(/^shade: /)
  expect(after.out).toBe('colour | green\n')

  await writeFile(data, (await readFile(data, 'utf8')).replaceAll('colour | ', 'tone: '))
  await models('train', 'colours', ...plan)
  const other = await models('generate', 'colours', 'thing 1 is green', '--adapter', taught)
  expect(other.out).toBe('tone: green\n')
})

test('an unusable model is refused in one line, and nothing of it is kept', async () => {
  const broken = join(model.folder, 'broken')
  await cp(model.baseFolder, broken, { recursive: true })
  const weights = join(broken, 'model.safetensors')
  await writeFile(weights, (await readFile(weights)).subarray(0, -100))
  const wrong = join(model.folder, 'wrong')
  await cp(model.baseFolder, wrong, { recursive: true })
  await writeFile(join(wrong, 'tokenizer.json'), '{}')
  const lines = join(model.folder, 'lines.jsonl')
  await writeFile(lines, '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
  const none = join(model.folder, 'none.jsonl')
  await writeFile(none, '')
  const kept = await readdir(join(home, 'models')).catch(() => [])
  const cases: [string[], RegExp][] = [
    [['import', broken], /safetensors.*truncated/],
    [['import', wrong], /tokenizer/],
    [['import', join(model.folder, 'nowhere')], /nowhere/],
    [['import', model.baseFolder, '--name', '../up'], /letters, digits/],
    [['inspect', 'no-such'], /There is no model no-such\. Imported: /],
    [['train', model.baseFolder, '--data', lines, '--out', 'x'], /lines\.jsonl, sample 2: expected/],
    [['train', model.baseFolder, '--data', none, '--out', 'x'], /no samples/],
    [['train', model.baseFolder, '--data', 'gone.jsonl', '--out', 'x'], /gone\.jsonl/],
    [['train', model.baseFolder, '--data', lines, '--out', 'x', '--epochs', '0.5'], /whole number from 1/],
    [['generate', model.baseFolder, 'thing', '--adapter', broken], /no adapter in/],
    [['generate', model.baseFolder, 'thing '.repeat(100)], /Shorten it/],
  ]
  await Promise.all(
    cases.map(async ([args, what]) => {
      const { code, said } = await models(...args)
      expect({ code, said }, args.join(' ')).toEqual({ code: 1, said: expect.stringMatching(what) })
      expect(said).not.toMatch(/^\s+at /m)
    }),
  )
  expect(await readdir(join(home, 'models')).catch(() => [])).toEqual(kept)
})
