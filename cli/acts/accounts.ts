import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getAddress, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { type Config, ConfigError } from '#config'
import { embeddedOperatorKey, runningEmbeddedChain } from '../configuredChain.ts'
import { askSecret } from './askSecret.ts'
import { openKeystore, readKeystore, sealKeystore } from './keystore.ts'
import { type JsonOption, tellNote } from './tell.ts'

/** The accounts of a home: a file each, which a passphrase opens. */

const folderOf = ({ home }: Pick<Config, 'home'>) => join(home, 'accounts')
const fileOf = (config: Config, name: string) => join(folderOf(config), `${name}.json`)

/** The state of unfinished acts. */
export const stateFileOf = (config: Pick<Config, 'home'>) => join(folderOf(config), 'acts.state')

/** The name by which commands act with the key of OPERATOR_KEY, as a host does. No account of a home has it. */
const OPERATOR = 'operator'

/** The key of the environment that acts: `operator` names that of OPERATOR_KEY, or that of the embedded chain while it runs; else MODELCOMMONS_KEY comes before
 *  the accounts of the home. */
async function givenKey({ accountKey, operatorKey, home }: Config, name: string): Promise<Hex | undefined> {
  if (name !== OPERATOR) return accountKey
  if (operatorKey) return operatorKey
  if (await runningEmbeddedChain(home)) return embeddedOperatorKey()
  throw new ConfigError('OPERATOR_KEY: --account operator acts with this key. Set it, or name another account.')
}

/** The account that acts: that of a key in the environment, or the named one of the home. @throws ConfigError that says how to make one. */
export async function openAccount(config: Config, name: string) {
  const given = await givenKey(config, name)
  if (given) return privateKeyToAccount(given)
  const file = fileOf(config, name)
  const text = await readAccount(config, name)
  readKeystore(text, file) // a damaged file is told before the terminal asks for its passphrase
  return privateKeyToAccount(await openKeystore(text, await passphraseOf(config, name), file))
}

/** The address of the account that would act; no passphrase is asked for. @throws ConfigError that says how to make one. */
export async function addressOf(config: Config, name: string): Promise<`0x${string}`> {
  const given = await givenKey(config, name)
  return given ? privateKeyToAccount(given).address : addressIn(await readAccount(config, name), fileOf(config, name))
}

const addressIn = (text: string, file: string) => getAddress(`0x${readKeystore(text, file).address}`)

const readAccount = (config: Config, name: string): Promise<string> =>
  readFile(fileOf(config, name), 'utf8').catch(() => {
    throw missing(name)
  })

const missing = (name: string) =>
  new ConfigError(
    `There is no account ${name} here. Make one with \`modelcommons account new\`, name another with --account, or set MODELCOMMONS_KEY.`,
  )

const passphraseOf = async ({ passphrase }: Config, name: string) =>
  passphrase ?? (await askSecret(`Passphrase of account ${name}: `, 'MODELCOMMONS_PASSPHRASE'))

/** Characters from which on a passphrase is not warned about: what Clef requires. */
const STRONG = 10

/** Makes a new account, or keeps the one of MODELCOMMONS_KEY. @throws ConfigError when the name is taken. */
export async function storeAccount(
  config: Config,
  name: string,
  { imported, json }: { imported: boolean } & JsonOption,
): Promise<`0x${string}`> {
  if (!/^[\w-]{1,40}$/.test(name)) throw new ConfigError(`${name} cannot be a name: use letters, digits, _ and -.`)
  if (name === OPERATOR)
    throw new ConfigError('operator names the account of OPERATOR_KEY. Choose another name (--account).')
  const key: Hex = imported
    ? (config.accountKey ?? ((await askSecret('Private key (0x and 64 hex digits): ', 'MODELCOMMONS_KEY')) as Hex))
    : generatePrivateKey()
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new ConfigError('A private key is 0x and 64 hex digits.')
  await mkdir(folderOf(config), { recursive: true, mode: 0o700 })
  const passphrase = await passphraseOf(config, name)
  if (passphrase.length < STRONG)
    tellNote(
      `Warning: the passphrase has fewer than ${STRONG} characters, so that whoever gets the file may guess it. Several words are better. The account is made all the same.`,
      { json },
    )
  const sealed = await sealKeystore(key, passphrase)
  await writeFile(fileOf(config, name), sealed, { flag: 'wx', mode: 0o600 }).catch((cause) => {
    if (cause.code !== 'EEXIST') throw cause
    throw new ConfigError(
      `There is an account ${name} already, in ${fileOf(config, name)}. Choose another name (--account).`,
    )
  })
  return privateKeyToAccount(key).address
}

export type StoredAccount = { account: string } & ({ address: `0x${string}` } | { broken: string })

/** The accounts of the home, by name, and what is wrong with the files that are none. */
export async function storedAccounts(config: Config): Promise<StoredAccount[]> {
  const files = await readdir(folderOf(config)).catch(() => [])
  const found = files.filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    found.map(async (file) => {
      const account = file.slice(0, -'.json'.length)
      try {
        return { account, address: addressIn(await readFile(join(folderOf(config), file), 'utf8'), file) }
      } catch (error) {
        return { account, broken: (error as Error).message }
      }
    }),
  )
}
