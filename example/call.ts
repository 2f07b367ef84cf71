import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  formatEther,
  type Hex,
  http,
  parseEther,
  zeroHash,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Deployment } from '#contracts/deploy.ts'
import { GOpen } from '#contracts/generated/GOpen.ts'
import { InferenceMarket } from '#contracts/generated/InferenceMarket.ts'
import { channelConfig, channelId, voucherData } from '#rules/channel.ts'
import { exampleAccount } from './accounts.ts'

/** One paid call from outside: deposits credit in a payment channel, signs a voucher, asks, and prints the answer with its receipt. */

interface CallOptions {
  home: string
  rpc?: string
  deployment?: string
  api: string
  endpoint: string
  credit: string
  key?: string
}

const LOCAL_CHAIN = 31_337

async function call(prompt: string, options: CallOptions): Promise<void> {
  const found = (file: string, advice: string) =>
    readFile(file, 'utf8').catch((cause) => {
      throw new Error(`${file} cannot be read. ${advice}`, { cause })
    })
  const rpc =
    options.rpc ??
    (await found(join(options.home, 'chain/url'), 'Start `modelcommons up`, or give --home or --rpc.')).trim()
  const file = options.deployment ?? join(options.home, 'chain/deployment.json')
  const { chainId, addresses }: Deployment = JSON.parse(await found(file, 'Give --deployment.'))
  if (!options.key && chainId !== LOCAL_CHAIN) throw new Error('Give --key: the consumer’s private key.')
  const consumer = options.key ? privateKeyToAccount(options.key as Hex) : exampleAccount('consumer', 8)

  const chain = defineChain({
    id: chainId,
    name: 'the chain of the deployment',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  })
  const node = createPublicClient({ chain, transport: http() })
  const wallet = createWalletClient({ chain, transport: http(), account: consumer })
  const gOpen = { address: addresses.GOpen, abi: GOpen.abi }
  const market = { address: addresses.InferenceMarket, abi: InferenceMarket.abi }

  async function ask<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    const response = await fetch(`${options.api}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as {
      data: T
      errors?: { message: string; extensions?: { code?: string } }[]
    }
    const [fault] = errors ?? []
    if (fault) throw new Error(`${fault.extensions?.code}: ${fault.message}`)
    return data
  }

  async function mined(hash: Hex): Promise<void> {
    const { status } = await node.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`The transaction ${hash} was reverted.`)
  }

  // 1. The channel: its id follows from the market, the endpoint, the consumer, the key that signs, and a salt.
  const endpoint = await ask<{ endpoint: { host: Hex } | null }>('query ($id: ID!) { endpoint(id: $id) { host } }', {
    id: options.endpoint,
  })
  if (!endpoint.endpoint) throw new Error(`There is no endpoint ${options.endpoint} at ${options.api}.`)
  const place = {
    chainId,
    market: addresses.InferenceMarket,
    token: addresses.GOpen,
    withdrawalDelay: Number(await node.readContract({ ...market, functionName: 'withdrawalDelay' })),
  }
  const channel = {
    endpointId: BigInt(options.endpoint),
    host: endpoint.endpoint.host,
    consumer: consumer.address,
    key: consumer.address,
    salt: zeroHash,
  }
  const id = channelId(place, channel)

  // 2. The credit: native tokens become gOPEN, which the market may take.
  const credit = parseEther(options.credit)
  if (credit > 0n) {
    await mined(await wallet.writeContract({ ...gOpen, functionName: 'deposit', value: credit }))
    await mined(await wallet.writeContract({ ...gOpen, functionName: 'approve', args: [market.address, credit] }))
    const deposit = [channel.endpointId, channelConfig(place, channel), credit] as const
    await mined(await wallet.writeContract({ ...market, functionName: 'deposit', args: deposit }))
  }
  const [balance, redeemed] = await node.readContract({ ...market, functionName: 'channels', args: [id] })
  console.log(`Channel ${id} has ${formatEther(balance)} gOPEN.`)

  // 3. The voucher: the host may redeem all that is in the channel, once it has served for it.
  const ceiling = redeemed + balance
  type Indexed = { paymentChannel: { balance: string; redeemed: string } | null }
  for (;;) {
    const { paymentChannel } = await ask<Indexed>('query ($id: ID!) { paymentChannel(id: $id) { balance redeemed } }', {
      id,
    })
    if (paymentChannel && BigInt(paymentChannel.balance) + BigInt(paymentChannel.redeemed) >= ceiling) break
    await sleep(500)
  }
  const signature = await consumer.signTypedData(voucherData(chainId, { channelId: id, ceiling }))
  await ask(
    `mutation ($id: ID!, $ceiling: BigInt!, $signature: String!) {
    submitVoucher(channelId: $id, ceiling: $ceiling, signature: $signature, idempotencyKey: "voucher") { ceiling used } }`,
    { id, ceiling: ceiling.toString(), signature },
  )

  // 4. The call: a job, whose result names the receipt.
  const input = { endpointId: options.endpoint, prompt, consumer: consumer.address, channelId: id }
  const { infer } = await ask<{ infer: { id: string } }>(
    'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id } }',
    { input, key: crypto.randomUUID() },
  )
  type Job = {
    job: { status: string; result: { answer: string; receiptId: string }; error: { message: string } | null }
  }
  for (;;) {
    const { job } = await ask<Job>('query ($id: ID!) { job(id: $id) { status result error } }', { id: infer.id })
    if (job.status === 'Failed' || job.status === 'Cancelled') throw new Error(`${job.status}: ${job.error?.message}`)
    if (job.status !== 'Succeeded') {
      await sleep(500)
      continue
    }
    const { receipt } = await ask<{ receipt: Record<string, string> }>(
      'query ($id: ID!) { receipt(id: $id) { id tokensIn tokensOut fee cumulative hash signature } }',
      { id: job.result.receiptId },
    )
    console.log(job.result.answer, receipt)
    break
  }
}

await new Command('call')
  .description(
    'ask a paid question: deposits credit in a channel, signs a voucher, and prints the answer with its receipt',
  )
  .argument('<prompt...>', 'the question')
  .option('--home <folder>', 'the MODELCOMMONS_HOME of `modelcommons up`, which names its chain', '.modelcommons')
  .option('--rpc <url>', 'a node of another chain')
  .option('--deployment <file>', 'the deployment on that chain')
  .option('--api <url>', 'the API', 'http://127.0.0.1:4000')
  .option('--endpoint <id>', 'the endpoint', '1')
  .option('--credit <gOPEN>', 'what is deposited first; 0 when the channel has enough', '1')
  .option(
    '--key <hex>',
    'the consumer’s key, which pays the gas and wraps native tokens as credit; on the local chain an account of the example',
  )
  .action((words: string[], options: CallOptions) => call(words.join(' '), options))
  .parseAsync()
  .catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
