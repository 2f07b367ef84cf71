import { formatEther } from 'viem'
import { balanceOf } from '#client/index.ts'
import { readConfig } from '#config'
import { addressOf, storeAccount, storedAccounts } from './accounts.ts'
import { type Funded, fundAccount, requireEmbeddedChain } from './fundAccount.ts'
import { type ActOptions, runRead } from './runAct.ts'

const config = () => readConfig(process.env, { requireDeployment: false, signs: false })

interface NewOptions {
  account: string
  json?: boolean
  funded?: boolean
}

export async function newAccount({ account, funded, json }: NewOptions): Promise<void> {
  if (funded) await requireEmbeddedChain(config()) // before there is an account
  const address = await storeAccount(config(), account, { imported: false, json })
  if (!json) console.log(address)
  const given = funded && (await fundAccount(config(), address))
  if (json) console.log(JSON.stringify({ account, address, ...given }))
  else if (given) tell(given)
}

export async function importAccount({ account, json }: NewOptions): Promise<void> {
  const address = await storeAccount(config(), account, { imported: true, json })
  console.log(json ? JSON.stringify({ account, address }) : address)
}

interface FundOptions {
  account: string
  json?: boolean
}

/** Of the address, else of the key in the environment, else of the named account. */
export async function fund(address: `0x${string}` | undefined, { account, json }: FundOptions): Promise<void> {
  const funded = await fundAccount(config(), address ?? (await addressOf(config(), account)))
  if (json) console.log(JSON.stringify(funded))
  else tell(funded)
}

const tell = ({ address, native, gOpen }: Funded) =>
  console.log(`${address} has ${native} tokens for gas and ${gOpen} gOPEN on the embedded chain.`)

export async function listAccounts({ json }: { json?: boolean }): Promise<void> {
  const found = await storedAccounts(config())
  if (json) return console.log(JSON.stringify(found))
  for (const one of found) console.log(`${one.account}  ${'address' in one ? one.address : `broken: ${one.broken}`}`)
  if (found.length === 0) console.log('There are no accounts. Make one with `modelcommons account new`.')
}

/** Of the address, else of the account that would act: its file tells the address without the passphrase. */
export const balance = (address: `0x${string}` | undefined, options: ActOptions): Promise<void> =>
  runRead(options, async (client) => {
    const found = await balanceOf(client, address ?? (await addressOf(config(), options.account)))
    return Object.fromEntries(Object.entries(found).map(([name, wei]) => [name, formatEther(wei)]))
  })
