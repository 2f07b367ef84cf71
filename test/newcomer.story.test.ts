import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { emptyHome, start } from '#cli/test/upProcess.ts'
import { connect } from '#client/index.ts'
import { provenReward } from '#client/reads/rewardProof.ts'
import { freePort } from '#schema/postgres.ts'
import { writeInnBase } from './checks/journeys/base.ts'
import { drawLetters } from './checks/journeys/domain.ts'
import { pageSteps, readPage, runSteps } from './docsPage.ts'
import { must } from './must.ts'

/** What docs/your-own-model.md promises a newcomer beside a plain `npm start`, in real time: nobody hurries the chain, and nobody but the newcomer acts. */

const ROOT = join(import.meta.dirname, '..')
const MINUTES = 10
const [SEED, SAMPLES] = [1, 400]

test(
  `a newcomer has a model of his own, served and paid, within ${MINUTES} minutes`,
  async () => {
    const home = await emptyHome()
    const port = String(await freePort())
    const api = `http://127.0.0.1:${port}`
    const up = start({ MODELCOMMONS_HOME: home, PORT: port, CHAIN_PORT: '0', DATABASE_PORT: '0' })
    let said = ''
    up.stdout?.on('data', (text) => (said += text))
    await until('the example has run', async () => said.includes('The example ran in'), 2 * MINUTES)

    const began = performance.now()
    const cwd = join(home, 'newcomer')
    await mkdir(cwd)
    await writeInnBase(join(cwd, 'tiny-llama'))
    const letters = drawLetters(SEED, 1, SAMPLES)
    await writeFile(join(cwd, 'samples.jsonl'), letters.map((one) => `${JSON.stringify(one)}\n`).join(''))
    await symlink(join(ROOT, 'node_modules'), join(cwd, 'node_modules'))

    const names: Record<string, string> = {}
    const ask = async <T>(query: string): Promise<T> => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${api}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
      const { data, errors } = (await answer.json()) as { data: T; errors?: { message: string }[] }
      if (errors) throw new Error(errors.map(({ message }) => message).join('; '))
      return data
    }
    const isProposal = (...states: string[]) =>
      until(`the proposal is ${states[0]}`, async () => {
        const query = `{ proposal(id: "${names.PROPOSAL}") { state } }`
        return states.includes((await ask<{ proposal: { state: string } }>(query)).proposal.state)
      })
    const run = (steps: Parameters<typeof runSteps>[0]): Promise<number> =>
      runSteps(steps, {
        ...{ cwd, api, names },
        env: { MODELCOMMONS_API: api, MODELCOMMONS_HOME: home, MODELCOMMONS_PASSPHRASE: 'an owl in the attic' },
        onStep: ({ text }, seconds) =>
          console.log(`${elapsed(began)} ${seconds.toFixed(1).padStart(5)} s  ${text.split('\n')[0]}`),
        before: {
          wrap: () => run([inText(page, 'account fund')]),
          'vote PROPOSAL': () => isProposal('Active'),
          'queue PROPOSAL': () => isProposal('Succeeded'),
          'execute PROPOSAL': async () => {
            await isProposal('Queued')
            const client = await connect(api)
            const eta = await client.read('ModelGovernor', 'proposalEta', [BigInt(names.PROPOSAL ?? 0)])
            await until('the delay of the timelock', async () => (await client.node.getBlock()).timestamp >= eta)
          },
          'endpoint list': async () => {
            await until('a version is live', async () => {
              const query = `{ model(id: "${names.MODEL}") { liveVersionId } }`
              names.VERSION = (await ask<{ model: { liveVersionId: string | null } }>(query)).model.liveVersionId ?? ''
              return names.VERSION !== ''
            })
            await run([inText(page, 'endpoint open')])
          },
          'rewards why': async () => {
            await run([inText(page, 'endpoint settle')])
            const client = await connect(api)
            await until('the newcomer may claim', async () => {
              const epoch = await client.read('RewardDistributor', 'newestFinal', [])
              if (epoch === 0n) return false
              return (await provenReward(client, epoch, names.ADDRESS as Hex)) !== undefined
            })
          },
        },
        after: [
          {
            'account new': (output) => void (names.ADDRESS = output.trim()),
            'model init': () => describe(join(cwd, 'parcels/model.yaml')),
            'model status': (output) => {
              names.PROPOSAL ||= /^proposal (\d+)/m.exec(output)?.[1] ?? ''
              names.MODEL ||= /^model (\d+)/m.exec(output)?.[1] ?? ''
            },
            'datanet create': (output) => void (names.DATANET = /datanet (\d+)/.exec(output)?.[1] ?? ''),
            'endpoint open': (output) => void (names.ENDPOINT = /endpoint (\d+)/.exec(output)?.[1] ?? ''),
            claim: (output) => expect(BigInt(/wei (\d+)/.exec(output)?.[1] ?? 0)).toBeGreaterThan(0n),
          },
        ],
      })
    const page = await readPage('your-own-model.md')
    await run(pageSteps(page))
    expect((performance.now() - began) / 60_000).toBeLessThan(MINUTES)
  },
  40 * 60_000,
)

/** A command that stands within the text of the page. */
function inText(page: string, words: string) {
  const [, text] = must(new RegExp(`\`(npx modelcommons ${words}[^\`]*)\``).exec(page))
  return { kind: 'sh' as const, text: must(text) }
}

async function describe(file: string): Promise<void> {
  const purpose = 'purpose: Tells for which desk of a mountain inn a guest’s letter is.'
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace(/^purpose: .*$/m, purpose).replace('minimum: 0.5', 'minimum: 0.3'),
  )
}

const elapsed = (began: number) => `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s`

/** Asks every second. */
async function until(what: string, isSo: () => Promise<boolean>, minutes = MINUTES): Promise<void> {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > minutes * 60_000) throw new Error(`Not within ${minutes} minutes: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
