import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { ApiRefusal, type Client, ClientError, uploadBytes } from '#client/index.ts'
import { canonicalJson } from '#rules/canonicalJson.ts'
import { nameOf } from '#schema/artifacts/names.ts'
import { type FolderListing, UPLOAD_PART_BYTES } from '#schema/folders.ts'

/** What training needs of a Hugging Face folder, and what tells where it comes from. */
const NEEDED = /^\w[\w.-]*\.(json|safetensors|jinja|model|md|txt)$|^LICEN[CS]E$/

/** A base model as artifacts. */
export interface BaseArtifacts {
  /** The name of the listing. */
  name: Hex
  listing: string
  /** In the order of the files. */
  parts: { name: Hex; path: string; file: string; start: number; size: number }[]
  bytes: number
}

/** Reads a folder once to name its parts, without holding a file in memory. */
export async function nameBase(folder: string): Promise<BaseArtifacts> {
  const files: FolderListing['files'] = {}
  const parts: BaseArtifacts['parts'] = []
  let bytes = 0
  for (const file of (await readdir(folder)).filter((one) => NEEDED.test(one)).sort()) {
    const path = join(folder, file)
    const found = await stat(path) // also of a link, as in Hugging Face's cache
    if (!found.isFile()) continue
    const names: Hex[] = []
    let start = 0
    for await (const part of createReadStream(path, { highWaterMark: UPLOAD_PART_BYTES })) {
      const name = (await nameOf(part)) as Hex
      names.push(name)
      parts.push({ name, path, file, start, size: part.length })
      start += part.length
    }
    const [whole] = names
    if (whole) files[file] = names.length === 1 ? whole : { size: start, parts: names }
    bytes += start
  }
  const listing = canonicalJson({ files } as never)
  return { name: (await nameOf(new TextEncoder().encode(listing))) as Hex, listing, parts, bytes }
}

/** Uploads what the API does not have yet; the listing comes last, so that whoever finds it finds all of it.
 *  @throws ClientError that says what to do when the API takes no parts from the client. */
export async function uploadBase(client: Client, base: BaseArtifacts): Promise<void> {
  try {
    await uploadParts(client, base)
  } catch (cause) {
    if (!(cause instanceof ApiRefusal) || !REFUSED.includes(cause.code)) throw cause
    throw new ClientError(
      `This API takes base models with an operator's key only (MODELCOMMONS_API_KEY). Ask its operator for one, or to upload the folder; then write \`stored: "${base.name}"\` instead of \`folder\` under base.`,
      { cause },
    )
  }
}

const REFUSED = ['UNAUTHENTICATED', 'FORBIDDEN']

async function uploadParts(client: Client, { name, listing, parts }: BaseArtifacts): Promise<void> {
  for (const [done, part] of parts.entries()) {
    client.onProgress?.({ act: 'propose', step: `uploading ${part.file}`, done, total: parts.length })
    const file = await open(part.path)
    try {
      const bytes = Buffer.alloc(part.size)
      await file.read(bytes, 0, part.size, part.start)
      await uploadBytes(client, part.name, bytes)
    } finally {
      await file.close()
    }
  }
  await uploadBytes(client, name, new TextEncoder().encode(listing))
}
