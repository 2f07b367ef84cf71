import type { FileHandle } from 'node:fs/promises'

/** The most bytes asked of the system at once; single calls stop at 2 GiB. */
const maxTransfer = 2 ** 30

/** Fills `into` from `position` on. Throws when the file ends before; `path` is for the message. */
export async function readFully(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<Uint8Array> {
  for (let at = 0; at < into.length; ) {
    const wanted = Math.min(maxTransfer, into.length - at)
    const { bytesRead } = await file.read(into, at, wanted, position + at)
    if (bytesRead === 0) throw new Error(`${path} ended while it was read: it was truncated meanwhile.`)
    at += bytesRead
  }
  return into
}

/** Writes all bytes at `position` and returns where they end. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const wanted = Math.min(maxTransfer, bytes.length - at)
    const { bytesWritten } = await file.write(bytes, at, wanted, position + at)
    at += bytesWritten
  }
  return position + bytes.length
}
