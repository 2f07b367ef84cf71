import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { PermanentError } from '../errors.ts'

/** Encryption of what lies where others may read it: AES-256-GCM under a key that they do not have. The plaintext is padded, so that its length
 *  tells little.
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

export const seal = (keys: SealKeys, text: string): Buffer => encrypted(keys[0], text, randomBytes(NONCE_BYTES))

/** The same bytes for the same key and text: a job that runs again stores nothing new. */
export const sealAlike = (key: Buffer, text: string): Buffer =>
  encrypted(key, text, createHmac('sha256', key).update(text).digest().subarray(0, NONCE_BYTES))

function encrypted(key: Buffer, text: string, nonce: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([VERSION]), idOf(key)])
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(header)
  const sealed = Buffer.concat([cipher.update(padded(Buffer.from(text))), cipher.final()])
  return Buffer.concat([header, nonce, cipher.getAuthTag(), sealed])
}

/** The text with spaces at its end. @throws SealError; `otherKey` says what to do when no key of these has sealed it. */
export function unseal(
  keys: SealKeys,
  bytes: Buffer,
  otherKey = 'JOURNAL_KEY: none of its keys has sealed this. Add the key that was in use then, after a comma.',
): string {
  const header = bytes.subarray(0, HEADER_BYTES)
  const key = keys.find((each) => idOf(each).equals(header.subarray(1)))
  if (header[0] !== VERSION || !key) throw new SealError(otherKey)
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
  const tag = bytes.subarray(HEADER_BYTES + NONCE_BYTES, HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, key, nonce).setAAD(header).setAuthTag(tag)
  try {
    const sealed = bytes.subarray(HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString()
  } catch (cause) {
    throw new SealError('What was sealed is damaged: it was changed afterwards.', { cause })
  }
}

/** Up to the next power of two. */
function padded(text: Buffer): Buffer {
  const size = Math.max(MIN_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, text.length))))
  return Buffer.concat([text, Buffer.alloc(size - text.length, SPACE)])
}
