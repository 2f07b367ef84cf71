import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { type Abi, createWalletClient, encodeDeployData, type Hex, hashMessage, http } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { compileSources } from '#contracts/compile.ts'
import { ALICE, STRANGER, startWorld } from '#contracts/test/world.ts'
import { must } from '#test/must.ts'
import { contractWallets } from './contractWallets.ts'

test('an account signs for itself, and a contract wallet says who signs for it', async () => {
  const world = await startWorld()
  onTestFinished(() => world.anvil.stop())
  const path = 'contracts/test/Malice.sol'
  const source = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  const { abi, evm } = must(must((await compileSources({ [path]: source }))[path]).Wallet)
  const client = createWalletClient({ account: STRANGER, transport: http(world.anvil.url) })
  const data = encodeDeployData({
    abi: abi as Abi,
    bytecode: `0x${evm.bytecode.object}` as Hex,
    args: [ALICE.address],
  })
  const deploying = await client.sendTransaction({ data, chain: null, gas: 5_000_000n })
  const { contractAddress } = await world.client.waitForTransactionReceipt({ hash: deploying, pollingInterval: 5 })
  const wallet = must(contractAddress)

  const verify = contractWallets(world.anvil.url, AbortSignal.timeout(60_000))
  const message = 'sign in'
  const hash = hashMessage(message)
  const signature = await ALICE.signMessage({ message })
  expect(await verify({ address: ALICE.address, hash, signature })).toBe(true)
  expect(await verify({ address: wallet, hash, signature })).toBe(true)
  expect(await verify({ address: wallet, hash: hashMessage('sign out'), signature })).toBe(false)
  const forged = await STRANGER.signMessage({ message })
  for (const address of [wallet, ALICE.address, world.deployment.addresses.ModelRegistry])
    expect(await verify({ address, hash, signature: forged })).toBe(false)
  for (const broken of ['0x', '0x00', `0x${'ff'.repeat(65)}`] as Hex[])
    expect(await verify({ address: wallet, hash, signature: broken })).toBe(false)

  // Who has shown nothing keeps the node busy with a few questions at most, and nobody waits who signs with the key of the account.
  const unanswered = createServer(() => {}).listen(0)
  onTestFinished(() => void unanswered.close())
  const stop = new AbortController()
  const busy = contractWallets(`http://127.0.0.1:${(unanswered.address() as AddressInfo).port}`, stop.signal)
  const asked = Array.from({ length: 60 }, () => busy({ address: wallet, hash, signature: forged }))
  const refused = await Promise.race(
    asked.map((one) =>
      one.then(
        () => undefined,
        (error) => error,
      ),
    ),
  )
  expect(refused).toMatchObject({ code: 'TOO_BUSY' })
  expect(await busy({ address: ALICE.address, hash, signature })).toBe(true)
  stop.abort()
  await Promise.allSettled(asked)
})
