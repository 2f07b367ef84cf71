import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createPublicClient, http, toHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { devAccount, startAnvil } from '#contracts/anvil.ts'
import { contracts } from '#contracts/generated/index.ts'
import { DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { runProgram } from '#test/testSystem.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { readDeployment } from './deployment.ts'

const payer = devAccount(0)
const OPERATOR_KEY = toHex(payer.getHdKey().privateKey as Uint8Array)
const EXAMPLE = 'docs/deployment.example.json'

test('the contracts are deployed to the chain of the first endpoint, with the settings of the file, over HTTP or WebSocket', async () => {
  const { url, wsUrl } = await startAnvil().then((anvil) => {
    onTestFinished(() => anvil.stop())
    return anvil
  })
  const out = join(await temporaryFolder(), 'deployment.json')
  const { holders } = JSON.parse(await readFile(EXAMPLE, 'utf8'))
  for (const RPC_URL of [`${url},http://127.0.0.1:9`, wsUrl]) {
    const { code, output } = await runProgram('deploy', { RPC_URL, OPERATOR_KEY }, [
      '--settings',
      EXAMPLE,
      '--out',
      out,
    ])
    expect(output).toContain(`Deployed to chain 31337; wrote ${out}.`)
    expect(code).toBe(0)
    const deployment = await readDeployment(out)
    expect(deployment.holders).toEqual(holders)
    expect(deployment.settings).toMatchObject({ votingDelay: 2 * 86_400, proposalThreshold: 1000n * 10n ** 18n })
    const { Disputes, ModelGovernor, ModelRegistry, RewardDistributor } = deployment.addresses
    const client = createPublicClient({ transport: http(url) })
    const read = (address: `0x${string}`, abi: readonly unknown[], functionName: string, args: unknown[] = []) =>
      client.readContract({ address, abi, functionName, args } as never)
    expect(await read(ModelGovernor, contracts.ModelGovernor.abi, 'votingPeriod')).toBe(7n * 86_400n)
    expect(await read(RewardDistributor, contracts.RewardDistributor.abi, 'epochLength')).toBe(7200n)
    expect(await read(RewardDistributor, contracts.RewardDistributor.abi, 'publisherBond')).toBe(100n * 10n ** 18n)
    const resolver = await read(Disputes, contracts.Disputes.abi, 'RESOLVER_ROLE')
    const trainer = await read(ModelRegistry, contracts.ModelRegistry.abi, 'TRAINER_ROLE')
    expect(await read(Disputes, contracts.Disputes.abi, 'hasRole', [resolver, holders.resolver])).toBe(true)
    expect(await read(Disputes, contracts.Disputes.abi, 'hasRole', [resolver, holders.operator])).toBe(false)
    expect(await read(ModelRegistry, contracts.ModelRegistry.abi, 'hasRole', [trainer, payer.address])).toBe(false)
  }
})

test('a development chain gets the settings of the embedded one by --demo, another chain does not', async () => {
  const out = join(await temporaryFolder(), 'deployment.json')
  const deploy = async (chainId: number, ...args: string[]) => {
    const { url, stop } = await startAnvil({ chainId })
    onTestFinished(stop)
    return runProgram('deploy', { RPC_URL: url, OPERATOR_KEY }, ['--out', out, ...args])
  }
  expect((await deploy(31_337, '--demo')).code).toBe(0)
  const { holders, settings } = await readDeployment(out)
  expect({ holders, settings }).toEqual({ holders: demoHolders(payer.address), settings: DEMO_SETTINGS })
  expect((await deploy(10, '--demo')).output).toMatch(/^--demo: http:\S+ is no development chain \(chain 10, anvil/)
  for (const args of [[], ['--demo', '--settings', EXAMPLE]])
    expect((await deploy(31_337, ...args)).output).toMatch(/^--settings, --demo: name a file of settings/)
})

async function refused(env: Record<string, string>, args = ['--settings', EXAMPLE]) {
  const { code, output } = await runProgram('deploy', env, [...args, '--out', 'nowhere/deployment.json'])
  expect(code).toBe(1)
  return output
}

test('a deployment without a chain, a key, settings or an answering node says what is missing', async () => {
  expect(await refused({ OPERATOR_KEY })).toMatch(/^RPC_URL: required to deploy/)
  expect(await refused({ RPC_URL: 'http://127.0.0.1:9' })).toMatch(/^OPERATOR_KEY: required to deploy/)
  expect(await refused({ RPC_URL: 'http://127.0.0.1:9', OPERATOR_KEY: '0x1' })).toMatch(
    /OPERATOR_KEY: expected a private/,
  )
  expect(await refused({ RPC_URL: 'http://127.0.0.1:9', OPERATOR_KEY }, [])).toMatch(
    /^--settings, --demo: name a file of settings/,
  )
  expect(await refused({ RPC_URL: 'ws://127.0.0.1:9', OPERATOR_KEY })).toMatch(
    /^RPC_URL: ws:\/\/127.0.0.1:9 does not answer/,
  )
})

test('settings that contradict each other are refused before anything is sent, each field with what to do', async () => {
  const file = join(await temporaryFolder(), 'settings.json')
  await writeFile(
    file,
    JSON.stringify({
      holders: { operator: payer.address, resolver: payer.address, guardian: payer.address },
      settings: {
        ...JSON.parse(await readFile(EXAMPLE, 'utf8')).settings,
        votingDelay: '60 seconds',
        challengeWindow: '10 minutes',
        proposalThreshold: '0 gOPEN',
      },
    }),
  )
  const output = await refused({ RPC_URL: 'http://127.0.0.1:9', OPERATOR_KEY }, ['--settings', file])
  expect(output).toContain('settings.votingDelay is 1 minute, less than 1 hour: ')
  expect(output).toContain('settings.challengeWindow is 10 minutes, less than 4 days: ')
  expect(output).toContain('settings.proposalThreshold is 0: ')
  expect(output).toContain('holders.resolver is the account of operator, too: use separate keys')
  expect(output).toContain('holders.guardian is the account of operator, too: use separate keys')
})
