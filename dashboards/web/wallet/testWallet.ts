import { type EIP1193Provider, type Hex, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { ServedDeployment } from '#client/deployment.ts'
import { ClientError, UnavailableError } from '#client/errors.ts'
import { hasTestChain, TEST_CHAIN } from './testChain.ts'

/** A wallet for the chain that runs on one's own machine: its key is made and kept by this page, and it is given test money. On every other chain it is
 *  refused. */

const KEY = 'modelcommons/testWallet'
/** What `modelcommons account new --funded` gives, of native tokens and gOPEN together. In wei. */
const FUNDED_TO = 20_000n * 10n ** 18n

interface Asked {
  method: string
  params?: unknown
}

type AskNode = (asked: Asked) => Promise<unknown>

/** The test wallet of this browser, which is made when there is none. @throws ClientError on other chains, UnavailableError when the node is away. */
export async function openTestWallet(deployment: Pick<ServedDeployment, 'chainId' | 'nodeUrl'>) {
  if (!hasTestChain(deployment)) throw new ClientError('Only the chain on your own machine has test wallets.')
  const node = nodeAt(deployment.nodeUrl)
  await requireTestChain(node)
  const account = privateKeyToAccount(storedKey())
  await fund(node, account.address)
  const request = async ({ method, params }: Asked): Promise<unknown> => {
    const [first, second] = (params ?? []) as readonly unknown[]
    if (method === 'eth_accounts' || method === 'eth_requestAccounts') return [account.address]
    if (method === 'eth_signTypedData_v4') return account.signTypedData(JSON.parse(String(second)))
    if (method !== 'eth_sendTransaction') return node({ method, params })
    const { to, data, value = '0x0', gas, nonce } = first as Record<'to' | 'data' | 'value' | 'gas' | 'nonce', Hex>
    const price = BigInt((await node({ method: 'eth_gasPrice' })) as Hex) * 2n
    const raw = await account.signTransaction({
      ...{ type: 'eip1559', chainId: TEST_CHAIN, to, data, value: BigInt(value), gas: BigInt(gas) },
      ...{ nonce: Number(nonce), maxFeePerGas: price, maxPriorityFeePerGas: 0n },
    })
    return node({ method: 'eth_sendRawTransaction', params: [raw] })
  }
  return { request, on: () => {}, removeListener: () => {} } as unknown as EIP1193Provider
}

function storedKey(): Hex {
  const known = localStorage.getItem(KEY)
  if (known) return known as Hex
  const made = generatePrivateKey()
  localStorage.setItem(KEY, made)
  return made
}

/** @throws ClientError unless the node is a program that people run to try things. */
async function requireTestChain(node: AskNode): Promise<void> {
  const chainId = Number(await node({ method: 'eth_chainId' }))
  const program = String(await node({ method: 'web3_clientVersion' }))
  if (chainId !== TEST_CHAIN || !/^(anvil|hardhat)/i.test(program))
    throw new ClientError(`The node is no test chain (chain ${chainId}, ${program}): there are no test wallets here.`)
}

/** Gives the account what it lacks, from the last of the accounts that the test chain unlocked for everybody: no more than half of what that has. */
async function fund(node: AskNode, to: Hex): Promise<void> {
  const balanceOf = async (account: Hex) =>
    BigInt((await node({ method: 'eth_getBalance', params: [account, 'latest'] })) as Hex)
  const balance = await balanceOf(to)
  const from = ((await node({ method: 'eth_accounts' })) as Hex[]).at(-1)
  if (balance >= FUNDED_TO / 20n || !from) return
  const [missing, spare] = [FUNDED_TO - balance, (await balanceOf(from)) / 2n]
  const value = toHex(missing < spare ? missing : spare)
  await node({ method: 'eth_sendTransaction', params: [{ from, to, value }] })
}

const nodeAt =
  (url: string): AskNode =>
  async ({ method, params = [] }) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    let answer: { result?: unknown; error?: { message: string } }
    try {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      answer = await response.json()
    } catch (cause) {
      throw new UnavailableError(
        `The node at ${url} does not answer. The test wallet needs it: open this page on the machine on which the chain runs.`,
        { cause },
      )
    }
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result
  }
