import type { open } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ContentHash } from './contentHash.ts'
import { ArtifactError } from './errors.ts'

/** The name of an artifact: the keccak256 of its bytes, which contracts also use. */

const NAME = /^0x[0-9a-f]{64}$/
/** The name of the artifact without bytes, an object that may be written anywhere. */
export const EMPTY_ARTIFACT = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'
/** Bytes that are hashed before other events get their turn: a few milliseconds. */
const PART = 1 << 20

export async function nameOf(bytes: Uint8Array): Promise<string> {
  const hash = await ContentHash.start()
  for (let start = 0; start < bytes.length; start += PART) {
    if (start) await nextTurn()
    hash.update(bytes.subarray(start, start + PART))
  }
  return hash.name()
}

/** The name of the bytes of an open file, read from its start. */
export async function nameOfFile(file: Awaited<ReturnType<typeof open>>): Promise<string> {
  const hash = await ContentHash.start()
  const buffer = Buffer.allocUnsafe(PART)
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, PART, at)
    if (bytesRead === 0) return hash.name()
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

/** @throws ArtifactError when `name` is not the name of an artifact. */
export function validName(name: string): string {
  if (!NAME.test(name))
    throw new ArtifactError(
      'missing',
      `${JSON.stringify(name)} is not an artifact name: expected 0x and 64 lower-case hex digits.`,
    )
  return name
}

/** @throws ArtifactError when the content of artifact `name` has another name. */
export function requireName(name: string, actual: string): void {
  if (actual !== name)
    throw new ArtifactError(
      'corrupt',
      `The content of artifact ${name} has the hash ${actual}. Delete it and copy it again from a store you trust.`,
    )
}
