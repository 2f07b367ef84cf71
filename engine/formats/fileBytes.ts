import { type FileHandle, open, stat } from 'node:fs/promises'

/** The most bytes asked of the system at once; single calls stop at 2 GiB. */
const MAX_TRANSFER_BYTES = 2 ** 30

/**
 * Opens a file for reading. Throws when there is none, and on folders, devices and pipes, which would be waited on for
 * ever. Close it when done.
 */
export async function openToRead(path: string): Promise<{ file: FileHandle; size: number }> {
  const found = await stat(path).catch((cause: Error) => {
    throw new Error(`${path} cannot be read: ${cause.message}`, { cause })
  })
  if (!found.isFile()) throw new Error(`${path} is not a file.`)
  const file = await open(path, 'r')
  return { file, size: (await file.stat()).size }
}

/** Fills `into` from `position` on. Throws when the file ends before; `path` is for the message. */
export async function readFully(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<Uint8Array> {
  for (let at = 0; at < into.length; ) {
    const wanted = Math.min(MAX_TRANSFER_BYTES, into.length - at)
    const { bytesRead } = await file.read(into, at, wanted, position + at)
    if (bytesRead === 0) throw new Error(`${path} ended while it was read: it was truncated meanwhile.`)
    at += bytesRead
  }
  return into
}

/** Writes all bytes at `position` and returns where they end. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const wanted = Math.min(MAX_TRANSFER_BYTES, bytes.length - at)
    const { bytesWritten } = await file.write(bytes, at, wanted, position + at)
    at += bytesWritten
  }
  return position + bytes.length
}
