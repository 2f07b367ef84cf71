import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { PermanentError } from '../errors.ts'

/** Encryption of what lies outside the database: AES-256-GCM under a key that only the installation has. The plaintext is padded, so that its
 *  length tells little.
 *
 *  Form: version (1 byte), key id (8), nonce (12), tag (16), ciphertext. */

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const KEY_ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES
const MIN_BYTES = 1024
const SPACE = 0x20

/** Something sealed cannot be opened: its key is missing, or it was changed. */
export class SealError extends PermanentError {
  override name = 'SealError'
}

/** Of all keys, the first seals, and each opens what it has sealed. */
export type SealKeys = readonly [Buffer, ...Buffer[]]

export const newSealKey = (): Buffer => randomBytes(32)

const idOf = (key: Buffer) => createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES)

export function seal([key]: SealKeys, text: string): Buffer {
  const header = Buffer.concat([Buffer.from([VERSION]), idOf(key)])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(header)
  const sealed = Buffer.concat([cipher.update(padded(Buffer.from(text))), cipher.final()])
  return Buffer.concat([header, nonce, cipher.getAuthTag(), sealed])
}

/** The text with spaces at its end. @throws SealError */
export function unseal(keys: SealKeys, bytes: Buffer): string {
  const header = bytes.subarray(0, HEADER_BYTES)
  const key = keys.find((each) => idOf(each).equals(header.subarray(1)))
  if (header[0] !== VERSION || !key)
    throw new SealError(
      'JOURNAL_KEY: none of its keys has sealed this. Add the key that was in use then, after a comma.',
    )
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
  const tag = bytes.subarray(HEADER_BYTES + NONCE_BYTES, HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, key, nonce).setAAD(header).setAuthTag(tag)
  try {
    const sealed = bytes.subarray(HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString()
  } catch (cause) {
    throw new SealError('An entry of the journal is damaged: it was changed after it was sealed.', { cause })
  }
}

/** Up to the next power of two. */
function padded(text: Buffer): Buffer {
  const size = Math.max(MIN_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, text.length))))
  return Buffer.concat([text, Buffer.alloc(size - text.length, SPACE)])
}
