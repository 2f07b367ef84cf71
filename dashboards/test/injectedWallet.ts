import type { Page } from 'playwright-core'
import { type Hex, toHex } from 'viem'
import type { LocalAccount } from 'viem/accounts'

/** A wallet as an extension injects it, by EIP-6963. It signs with a viem account outside the browser, on a real chain, and records what it was asked. */
export interface InjectedWallet {
  /** The methods that need its owner, in order. */
  asked: string[]
  /** What its owner does with the next requests to sign. */
  refuses: boolean
  chainId: number
  account: LocalAccount
  /** Tells the page that the account or the chain is another one. */
  emit(event: 'accountsChanged' | 'chainChanged'): Promise<void>
}

interface Options {
  account: LocalAccount
  /** Of the node. */
  url: string
  chainId?: number
  name?: string
  /** Whether it knows the chain of the node. */
  knows?: boolean
}

const CHAIN = 31_337
const REFUSED = { code: 4001, message: 'User rejected the request.' }

/** Puts a wallet into a page before it is opened. */
export async function injectWallet(page: Page, options: Options): Promise<InjectedWallet> {
  const { url, name = 'Keeper', knows = true } = options
  const key = `wallet_${name.replaceAll(/\W/g, '')}`
  const wallet: InjectedWallet = {
    ...{ asked: [], refuses: false, chainId: options.chainId ?? CHAIN, account: options.account },
    emit: async (event) => {
      const value = event === 'chainChanged' ? toHex(wallet.chainId) : [wallet.account.address]
      await page.evaluate(`globalThis.${key}Emit(${JSON.stringify(event)}, ${JSON.stringify(value)})`)
    },
  }
  let isKnown = knows
  const answer = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    if (method === 'eth_chainId') return toHex(wallet.chainId)
    if (method === 'eth_accounts') return [wallet.account.address]
    if (!/^(eth_requestAccounts|eth_sign|eth_sendTransaction|personal_|wallet_)/.test(method))
      return rpc(url, method, [...params])
    wallet.asked.push(method)
    if (wallet.refuses) throw REFUSED
    if (method === 'eth_requestAccounts') return [wallet.account.address]
    if (method === 'wallet_addEthereumChain') isKnown = true
    if (method.startsWith('wallet_')) {
      if (!isKnown) throw { code: 4902, message: 'Unrecognized chain.' }
      wallet.chainId = CHAIN
      await wallet.emit('chainChanged')
      return null
    }
    if (method === 'eth_signTypedData_v4') return wallet.account.signTypedData(JSON.parse(String(params[1])))
    const { to, data, value = '0x0', gas, nonce } = params[0] as Record<string, Hex>
    const raw = await wallet.account.signTransaction({
      ...{ type: 'eip1559', chainId: CHAIN, to: to as Hex, data, value: BigInt(value), gas: BigInt(gas as Hex) },
      ...{ nonce: Number(nonce), maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n },
    })
    return rpc(url, 'eth_sendRawTransaction', [raw])
  }
  await page.exposeFunction(key, async (method: string, params: readonly unknown[] = []) => {
    try {
      return { result: await answer(method, params) }
    } catch (error) {
      const { code = -32_603, message, data } = error as { code?: number; message: string; data?: unknown }
      return { error: { code, message, data } }
    }
  })
  await page.addInitScript(`{
    const heard = { accountsChanged: new Set(), chainChanged: new Set(), disconnect: new Set() }
    globalThis.${key}Emit = (event, value) => { for (const hear of heard[event]) hear(value) }
    const provider = {
      async request({ method, params }) {
        const { result, error } = await ${key}(method, params)
        if (error) throw Object.assign(new Error(error.message), error)
        return result
      },
      on: (event, hear) => heard[event]?.add(hear),
      removeListener: (event, hear) => heard[event]?.delete(hear),
    }
    const info = { uuid: '${key}', name: ${JSON.stringify(name)}, rdns: 'org.example.${key.toLowerCase()}', icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>' }
    const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }))
    addEventListener('eip6963:requestProvider', announce)
    announce()
  }`)
  return wallet
}

/** One request to the node. @throws the error that it answers, with the data of a revert. */
async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: object }
  if (error) throw error
  return result
}
