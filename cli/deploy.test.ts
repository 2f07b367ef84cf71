import { join } from 'node:path'
import { toHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { startAnvil } from '#contracts/anvil.ts'
import { devAccount } from '#indexer/test/chain.ts'
import { runProgram } from '#test/testSystem.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { readDeployment } from './deployment.ts'

const operator = devAccount(0)
const OPERATOR_KEY = toHex(operator.getHdKey().privateKey as Uint8Array)

test('the contracts are deployed to the chain of the first endpoint, over HTTP or WebSocket', async () => {
  const { url, wsUrl } = await startAnvil().then((anvil) => {
    onTestFinished(() => anvil.stop())
    return anvil
  })
  const out = join(await temporaryFolder(), 'deployment.json')
  for (const RPC_URL of [`${url},http://127.0.0.1:9`, wsUrl]) {
    const { code, output } = await runProgram('deploy', { RPC_URL, OPERATOR_KEY }, ['--out', out])
    expect(output).toContain(`Deployed to chain 31337; wrote ${out}.`)
    expect(code).toBe(0)
    expect((await readDeployment(out)).operator.toLowerCase()).toBe(operator.address.toLowerCase())
  }
})

test('a deployment without a chain, a key or an answering node says what is missing', async () => {
  const refused = async (env: Record<string, string>) => {
    const { code, output } = await runProgram('deploy', env, ['--out', 'nowhere/deployment.json'])
    expect(code).toBe(1)
    return output
  }
  expect(await refused({ OPERATOR_KEY })).toMatch(/^RPC_URL: required to deploy/)
  expect(await refused({ RPC_URL: 'http://127.0.0.1:9' })).toMatch(/^OPERATOR_KEY: required to deploy/)
  expect(await refused({ RPC_URL: 'http://127.0.0.1:9', OPERATOR_KEY: '0x1' })).toMatch(
    /OPERATOR_KEY: expected a private/,
  )
  expect(await refused({ RPC_URL: 'ws://127.0.0.1:9', OPERATOR_KEY })).toMatch(
    /^RPC_URL: ws:\/\/127.0.0.1:9 does not answer/,
  )
})
