import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { parseEther } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openVote, propose } from '#contracts/test/mandate.ts'
import { ALICE } from '#contracts/test/world.ts'
import { FEE } from '#test/answeringSystem.ts'
import { must } from '#test/must.ts'
import { chromiumPath, openBrowser } from '../dashboards/screenshots.ts'
import { type AnsweringApi, onAnsweringApi } from './test/answeringApi.ts'
import { clientSystem } from './test/clientSystem.ts'
import { finalMap } from './test/finalMap.ts'

/** The client as others get it: packed, installed in an empty folder, in plain Node, as types, and in a browser. */

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const MAX_BUNDLE_BYTES = 60 * 1024
/** What a fresh clone lacks, and what no package needs. */
const ABSENT = new Set(['.git', '.modelcommons', 'bench', 'coverage', 'dist', 'node_modules'])
const without = chromiumPath() ? '' : ' (NOT RUN: no Chromium here; apt-get install chromium, or set CHROMIUM)'

let folder = ''
/** The package's file in it. */
let packed = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcommons-client-package-'))
  const sources = join(folder, 'sources')
  await cp(root, sources, { recursive: true, filter: (path) => path === root || !ABSENT.has(basename(path)) })
  await symlink(join(root, 'node_modules'), join(sources, 'node_modules'))
  await run('npm', ['run', 'package', '--', '--pack-destination', folder], { cwd: sources })
  packed = must((await readdir(folder)).find((name) => name.endsWith('.tgz')))
  await run('tar', ['-xzf', packed], { cwd: folder })
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  for (const name of await readdir(join(root, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  await rename(join(folder, 'package'), join(modules, 'modelcommons'))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('npm installs it from its file into an empty folder, where Node imports it', async () => {
  const empty = join(folder, 'installed')
  await mkdir(empty)
  await writeFile(join(empty, 'package.json'), '{"type": "module"}')
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join('..', packed)], { cwd: empty })
  const program = `import { connect } from 'modelcommons/client'; console.log(typeof connect)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: empty })
  expect(stdout.trim()).toBe('function')
})

test('plain Node imports it and uses a system', async () => {
  const { url } = await clientSystem()
  await writeFile(
    join(folder, 'program.js'),
    `import { connect, fileState, listProposals } from 'modelcommons/client'
     const client = await connect('${url}', { state: fileState('state.json') })
     console.log(client.deployment.chainId, (await listProposals(client)).length)`,
  )
  const { stdout } = await run(process.execPath, ['program.js'], { cwd: folder })
  expect(stdout.trim()).toBe('31337 1')
})

test('its types are those of the API and of the contracts, for programs that check their libraries, too', async () => {
  await writeFile(
    join(folder, 'program.ts'),
    `import { type Client, connect, contribute, graphql } from 'modelcommons/client'
     const client: Client = await connect('http://127.0.0.1:4000')
     const { proposal } = await client.ask(graphql('{ proposal(id: "1") { state } }'))
     const state: 'Active' | 'Canceled' | 'Defeated' | 'Executed' | 'Expired' | 'Pending' | 'Queued' | 'Succeeded' | null | undefined = proposal?.state
     const symbol: string = await client.read('GOpen', 'symbol', [])
     // @ts-expect-error: a datanet's id is a bigint
     await contribute(client, { datanetId: '1', samples: [] })
     console.log(state, symbol)`,
  )
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    noEmit: true,
    types: ['node'],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
  const compiled = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: folder })
  await expect(compiled.catch(({ stdout }) => stdout)).resolves.toMatchObject({ stdout: '' })
})

async function bundle(external: (string | RegExp)[]) {
  const { build } = await import('vite')
  await writeFile(
    join(folder, 'page.js'),
    `import * as client from 'modelcommons/client'
     import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
     globalThis.modelcommons = { ...client, generatePrivateKey, privateKeyToAccount }`,
  )
  await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: {
      ...{ outDir: 'page', emptyOutDir: true, target: 'es2022' },
      rolldownOptions: { input: 'page.js', external, output: { entryFileNames: 'page.js', format: 'es' } },
    },
  })
  return readFile(join(folder, 'page/page.js'), 'utf8')
}

test('Vite bundles it for browsers; without viem the whole client is small', async () => {
  const code = await bundle([/^viem/])
  expect(gzipSync(code).length).toBeLessThan(MAX_BUNDLE_BYTES)
  expect(code).not.toMatch(/from ['"]node:/)
})

/** A page of the API with the packed client in it. */
async function clientPage(browser: Browser, { url, serveFile }: Pick<AnsweringApi, 'url' | 'serveFile'>) {
  await serveFile('page.js', await bundle([]))
  const page = await browser.newPage()
  await page.goto(`${url}/index.html`)
  await page.addScriptTag({ url: `${url}/page.js`, type: 'module' })
  await page.waitForFunction('globalThis.modelcommons')
  const account = await page.evaluate<`0x${string}`>(
    'const { privateKeyToAccount, generatePrivateKey } = modelcommons; (globalThis.account = privateKeyToAccount(generatePrivateKey())).address',
  )
  return { page, account }
}

test.skipIf(without !== '')(
  `Chromium reads and writes the running system with it, and verifies an account’s own proof${without}`,
  async () => {
    const system = await clientSystem()
    const { url, world } = system
    const browser = await openBrowser()
    try {
      const { page, account } = await clientPage(browser, system)
      await world.rpc('anvil_setBalance', [account, '0x56bc75e2d63100000'])
      const wrapped = await page.evaluate<string>(`(async () => {
        const { connect, browserState, wrap, balanceOf } = modelcommons
        globalThis.client = await connect('${url}', { account, state: browserState(localStorage), pollMs: 20 })
        await wrap(client, 12n)
        return String((await balanceOf(client, account.address)).gOpen)
      })()`)
      expect(wrapped).toBe('12')
      expect(await world.read('GOpen', 'balanceOf', [account])).toBe(12n)

      const epoch = await finalMap(system, [
        [account, 7n],
        [ALICE.address, 5n],
      ])
      const proven = await page.evaluate<string>(
        `modelcommons.provenReward(client, ${epoch}n).then(({ cumulative, proof }) => cumulative + ' by ' + proof.length)`,
      )
      expect(proven).toBe('7 by 1')
      const refusal = await page.evaluate<string>(`(async () => {
        const lying = async (...question) => {
          const { rewardProof } = await client.ask(...question)
          return { rewardProof: { ...rewardProof, cumulative: '8' } }
        }
        return modelcommons.provenReward({ ...client, ask: lying }, ${epoch}n).catch(({ message }) => message)
      })()`)
      expect(refusal).toMatch(/is granted 8 wei by epoch 1, but its proof does not lead to the root/)
    } finally {
      await browser.close()
    }
  },
)

test.skipIf(without !== '')(
  `a person with a key in Chromium wraps, locks and delegates, votes, deposits, calls and claims on the whole system${without}`,
  () =>
    onAnsweringApi(async (system) => {
      const { url, world } = system
      const browser = await openBrowser()
      try {
        const { page, account } = await clientPage(browser, system)
        /** Runs one act in the page; amounts cross as text. */
        const act = (text: string) => page.evaluate<string>(`(async () => String(await (${text})))()`)
        await world.rpc('anvil_setBalance', [account, '0x56bc75e2d63100000'])
        await page.evaluate(`(async () => {
          const { connect, browserState } = modelcommons
          globalThis.client = await connect('${url}', { account, state: browserState(localStorage), pollMs: 20 })
        })()`)
        await act(`modelcommons.wrap(client, ${parseEther('10')}n)`)
        await act(`modelcommons.delegate(client, { to: account.address, lock: ${parseEther('4')}n })`)
        expect(await world.read('GOpen', 'getVotes', [account])).toBe(parseEther('4'))

        const { proposalId, actions } = await propose(world)
        await openVote(world, actions)
        await act(
          `modelcommons.castVote(client, { proposalId: ${proposalId}n, support: 'for', reason: 'It is useful.' })`,
        )
        expect(await world.read('ModelGovernor', 'proposalVotes', [proposalId])).toEqual([0n, parseEther('4'), 0n])

        await act('modelcommons.deposit(client, { endpointId: 1n, amount: 1000n })')
        const answer = await act(`(async () => {
          const { answer, receipt } = await modelcommons.callEndpoint(client, { endpointId: 1n, prompt: 'Where is it?', maxTokens: 4 })
          const { valid } = await modelcommons.verifyReceipt(client, receipt)
          return answer + ' ' + receipt.fee + ' ' + valid
        })()`)
        expect(answer).toMatch(new RegExp(`^Where is it\\? \\d+ ${FEE} true$`))

        await finalMap(system, [[account, 7n]])
        expect(await act('modelcommons.claim(client)')).toBe('7')
        expect(await world.balance(account)).toBe(parseEther('6') - 1_000n + 7n)
        expect(await act('Object.keys(localStorage).length')).toBe('0') // no act is left unfinished
      } finally {
        await browser.close()
      }
    }),
)
