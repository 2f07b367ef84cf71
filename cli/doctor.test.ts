import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startAnvil } from '#contracts/anvil.ts'
import { testChain } from '#indexer/test/chain.ts'
import { runProgram } from '#test/testSystem.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { writeDeployment } from './deployment.ts'

/** The doctor's report on the chain; the contracts are deployed on one of the endpoints' chains. */
async function patient() {
  const chain = await testChain()
  const folder = await temporaryFolder()
  const file = join(folder, 'deployment.json')
  await writeDeployment(file, chain.deployment)
  const env = { MODELCOMMONS_HOME: folder, PORT: '0', DEPLOYMENT: file, OPERATOR_KEY: `0x${'11'.repeat(32)}` }
  const output = async (...urls: string[]) => {
    const { code, output } = await runProgram('doctor', { ...env, RPC_URL: urls.join(', ') })
    return { code, lines: output.split('\n').filter((line) => /^. (endpoint|chain) /.test(line)) }
  }
  return { file, output, http: chain.url, ws: chain.anvil.wsUrl, contract: chain.deployment.addresses.ModelRegistry }
}

async function another(chainId: number) {
  const anvil = await startAnvil({ chainId })
  onTestFinished(() => anvil.stop())
  return anvil
}

test('each endpoint is looked at, over HTTP and WebSocket, and no secret of its address is shown', async () => {
  const { file, output, http, ws } = await patient()
  const well = (url: string) => expect.stringMatching(`^✓ endpoint +${url} answers for chain 31337, block \\d+$`)
  expect(await output(http, ws, `${http}?key=secret`)).toEqual({
    code: 0,
    lines: [well(http), well(ws), well(http), expect.stringContaining(`31337, with the contracts of ${file}`)],
  })
})

test('who does not answer is named, and so is each chain when there are several', async () => {
  const { output, http, ws } = await patient()
  const other = await another(10)
  const away = 'http://127.0.0.1:9'
  expect(await output(away, ws, other.url, other.wsUrl)).toEqual({
    code: 1,
    lines: [
      expect.stringMatching(`^✗ endpoint +RPC_URL: ${away} does not answer`),
      expect.stringMatching(`^✓ endpoint +${ws} answers for chain 31337`),
      expect.stringMatching(`^✓ endpoint +${other.url} answers for chain 10`),
      expect.stringMatching(`^✓ endpoint +${other.wsUrl} answers for chain 10`),
      expect.stringMatching(
        `^✗ chain +RPC_URL leads to different chains: 31337 \\(${ws}\\), 10 \\(${other.url}, ${other.wsUrl}\\)\\. DEPLOYMENT is for chain 31337: remove the others\\.$`,
      ),
    ],
  })
  const wrong = await output(other.wsUrl)
  expect(wrong.code).toBe(1)
  expect(wrong.lines[1]).toMatch(/^✗ chain +RPC_URL leads to chain 10; DEPLOYMENT is for chain 31337\.$/)
  const { code, lines } = await output(http, `${http}/secret`)
  expect(code).toBe(1)
  expect(lines[1]).toMatch(new RegExp(`^✗ endpoint +RPC_URL: ${http}/… cannot be used: .*404`))
  const none = await output(away, 'ws://127.0.0.1:9')
  expect(none.lines.map((line) => line[0])).toEqual(['✗', '✗', '✗'])
  expect(none.lines[1]).toContain('ws://127.0.0.1:9 does not answer')
})

test('an endpoint of a chain that has the same id but not the contracts is named', async () => {
  const { output, http, contract } = await patient()
  const { wsUrl } = await another(31_337)
  const { code, lines } = await output(http, wsUrl)
  expect(code).toBe(1)
  expect(lines[2]).toMatch(new RegExp(`^✗ chain +DEPLOYMENT: chain 31337 of ${wsUrl} has no contract at ${contract}`))
})
