import { readConfig } from '#config'
import { storeAccount, storedAccounts } from './accounts.ts'

const config = () => readConfig(process.env, { requireDeployment: false, signs: false })

export async function newAccount({ account }: { account: string }): Promise<void> {
  console.log(await storeAccount(config(), account, { imported: false }))
}

export async function importAccount({ account }: { account: string }): Promise<void> {
  console.log(await storeAccount(config(), account, { imported: true }))
}

export async function listAccounts({ json }: { json?: boolean }): Promise<void> {
  const found = await storedAccounts(config())
  if (json) return console.log(JSON.stringify(found))
  for (const { account, address } of found) console.log(`${account}  ${address}`)
  if (found.length === 0) console.log('There are no accounts. Make one with `modelcommons account new`.')
}
