import { type FileHandle, open, stat } from 'node:fs/promises'

/** Bytes of one read or write call; the operating system limits a call to 2 GiB. */
const MAX_TRANSFER_BYTES = 2 ** 30

/**
 * Opens a file for reading; the caller closes it. @throws Error when the file is missing, or is a folder, a device or a
 * pipe: reading from these could wait for ever.
 */
export async function openToRead(path: string): Promise<{ file: FileHandle; size: number }> {
  const found = await stat(path).catch((cause: Error) => {
    throw new Error(`${path} cannot be read: ${cause.message}`, { cause })
  })
  if (!found.isFile()) throw new Error(`${path} is not a file.`)
  const file = await open(path, 'r')
  return { file, size: (await file.stat()).size }
}

/** Fills `into` from `position` on. @throws Error that names `path` when the file ends too early. */
export async function readFully(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<Uint8Array> {
  for (let at = 0; at < into.length; ) {
    const wanted = Math.min(MAX_TRANSFER_BYTES, into.length - at)
    const { bytesRead } = await file.read(into, at, wanted, position + at)
    if (bytesRead === 0) throw new Error(`${path} became shorter while it was being read.`)
    at += bytesRead
  }
  return into
}

/** Writes all bytes at `position` and returns the position after them. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const wanted = Math.min(MAX_TRANSFER_BYTES, bytes.length - at)
    const { bytesWritten } = await file.write(bytes, at, wanted, position + at)
    at += bytesWritten
  }
  return position + bytes.length
}
