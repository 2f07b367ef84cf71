import { createCipheriv, createDecipheriv, randomBytes, randomUUID, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { type Hex, keccak256, toHex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { ConfigError } from '#config'

/** A private key in a file that a passphrase opens: version 3 of Ethereum's "Web3 Secret Storage", which other wallets read, too.
 *  https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/ */

const hex = z.string().regex(/^([0-9a-f]{2})+$/i)
const Keystore = z.object({
  version: z.literal(3),
  id: z.string(),
  address: z.string(),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hex }),
    ciphertext: hex,
    kdf: z.literal('scrypt'),
    kdfparams: z.object({ n: z.int(), r: z.int(), p: z.int(), dklen: z.literal(32), salt: hex }),
    mac: hex,
  }),
})

type Scrypt = z.infer<typeof Keystore>['crypto']['kdfparams']

/** About half a second: a guess of the passphrase costs as much. */
const COST = { n: 2 ** 17, r: 8, p: 1, dklen: 32 } as const

const bytes = (text: string) => Buffer.from(text, 'hex')
const derive = promisify(scrypt) as (
  passphrase: string,
  salt: Buffer,
  length: number,
  options: object,
) => Promise<Buffer>

const derivedKey = (passphrase: string, { n, r, p, dklen, salt }: Scrypt) =>
  derive(passphrase.normalize('NFKC'), bytes(salt), dklen, { N: n, r, p, maxmem: 256 * n * r })

const macOf = (derived: Buffer, ciphertext: Buffer) =>
  keccak256(toHex(Buffer.concat([derived.subarray(16, 32), ciphertext]))).slice(2)

/** The text of a file that `openKeystore` opens. */
export async function sealKeystore(key: Hex, passphrase: string): Promise<string> {
  const kdfparams = { ...COST, salt: randomBytes(32).toString('hex') }
  const derived = await derivedKey(passphrase, kdfparams)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(bytes(key.slice(2))), cipher.final()])
  return `${JSON.stringify(
    {
      version: 3,
      id: randomUUID(),
      address: privateKeyToAddress(key).slice(2).toLowerCase(),
      crypto: {
        ...{ cipher: 'aes-128-ctr', cipherparams: { iv: iv.toString('hex') }, ciphertext: ciphertext.toString('hex') },
        ...{ kdf: 'scrypt', kdfparams, mac: macOf(derived, ciphertext) },
      },
    } satisfies z.infer<typeof Keystore>,
    null,
    2,
  )}\n`
}

/** Reads a keystore without opening it. @throws ConfigError when it is none. */
export function readKeystore(text: string, file: string): z.infer<typeof Keystore> {
  try {
    return Keystore.parse(JSON.parse(text))
  } catch (cause) {
    throw new ConfigError(
      `${file} is no account file of version 3 with scrypt. Put back a copy of it, or import its key.`,
      {
        cause,
      },
    )
  }
}

/** @throws ConfigError when the passphrase is wrong. */
export async function openKeystore(text: string, passphrase: string, file: string): Promise<Hex> {
  const { crypto } = readKeystore(text, file)
  const derived = await derivedKey(passphrase, crypto.kdfparams)
  const ciphertext = bytes(crypto.ciphertext)
  if (macOf(derived, ciphertext) !== crypto.mac.toLowerCase())
    throw new ConfigError(`The passphrase does not open ${file}. Try again, or set MODELCOMMONS_PASSPHRASE.`)
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytes(crypto.cipherparams.iv))
  return toHex(Buffer.concat([decipher.update(ciphertext), decipher.final()]))
}
