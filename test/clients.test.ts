import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { hashKey } from '#graphql/access.ts'
import { CONSUMER_KEY, me } from '#graphql/test/market.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { insert } from './factory.ts'
import { openHolds, openMarketChannel, servedModel, used } from './gatewaySystem.ts'

/** The programs of `docs/examples/` against a system that requires keys. Here those run whose clients are among this project’s own tools; all of them by
 *  `npm run check -- clients`. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const EXAMPLES = join(import.meta.dirname, '../docs/examples')
const folder = process.env.EXAMPLE_CLIENTS
const node = folder ? join(folder, 'node_modules/node/bin/node') : process.execPath

/** What each prints, and how often it pays. */
const programs = [
  { file: 'openai.js', prints: /^models Clerk.*\nanswer (.+)\nreceipt \w{32} costs \d+ wei\nstreamed \1$/s, calls: 2 },
  {
    file: 'mcp.js',
    prints: /^tools list_models infer .*\nanswer .+\nreceipt \w{32} .*\nfrom ModelVersion:1/s,
    calls: 1,
  },
  { file: 'ai-sdk.js', prints: /^answer .+\ntokens [1-9]\d*$/s, calls: 1 },
  { file: 'langchain.js', prints: /^answer .+\ntokens [1-9]\d*$/s, calls: 1 },
  { file: 'curl.sh', prints: /"object":"chat\.completion".*data: \[DONE\]$/s, calls: 2 },
  { file: 'x402.js', prints: /^(answer .+\nreceipt \w{32} costs [1-9]\d* wei\n?){2}$/, calls: 2 },
  { file: 'openai_client.py', prints: /^answer (.+)\nreceipt \w{32}\nstreamed \1$/s, calls: 2 },
]
const OWN = ['openai.js', 'mcp.js', 'curl.sh', 'x402.js']

const interpreter = (file: string) => (file.endsWith('.js') ? node : file.endsWith('.sh') ? 'sh' : 'python3')
const canRun = (file: string) =>
  folder ? !file.endsWith('.py') || existsSync(join(folder, 'python')) : OWN.includes(file)

test('each example asks, pays and prints what it says', async () => {
  const system = await servedModel(world, { auth: 'keys' })
  const key = `mine-key-${'0'.repeat(20)}`
  await insert(system.db, ApiKey, { id: hashKey(key), account: me, role: 'Consumer' })
  await openMarketChannel(system, 10n ** 18n)
  const count = async () => Number((await system.db.query('select count(*) as n from receipt')).rows[0].n)
  for (const { file, prints, calls } of programs) {
    if (!canRun(file)) continue
    const [before, paid] = [await count(), await used(system)]
    const { stdout } = await promisify(execFile)(interpreter(file), [join(folder ?? EXAMPLES, file)], {
      env: {
        PATH: process.env.PATH,
        MODELCOMMONS_API: system.url,
        MODELCOMMONS_API_KEY: key,
        MODEL: 'Clerk',
        PAYER_KEY: CONSUMER_KEY,
        ...(folder && { PYTHONPATH: join(folder, 'python') }),
      },
    })
    expect(stdout.trim(), file).toMatch(prints)
    expect([file, await count()]).toEqual([file, before + calls])
    expect(await used(system)).toBeGreaterThan(paid)
    await expect(
      promisify(execFile)(interpreter(file), [join(folder ?? EXAMPLES, file)], {
        env: {
          PATH: process.env.PATH,
          MODELCOMMONS_API: system.url,
          MODELCOMMONS_API_KEY: 'wrong-key',
          MODEL: 'Clerk',
        },
      }),
      file,
    ).rejects.toThrow()
  }
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})
