import type { Hex } from 'viem'
import { ApiRefusal, type Client, ClientError, uploadBytes } from '#client/index.ts'
import { canonicalJson } from '#rules/canonicalJson.ts'
import { ContentHash } from '#schema/artifacts/contentHash.ts'
import { type FolderListing, UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import type { FolderFiles } from './folderFiles.ts'

/** What training needs of a Hugging Face folder, and what tells where it comes from. */
const NEEDED = /^\w[\w.-]*\.(json|safetensors|jinja|model|md|txt)$|^LICEN[CS]E$/

/** The files without which a folder is no base model. */
export const BASE_FILES: Readonly<Record<string, RegExp>> = {
  'config.json': /^config\.json$/,
  'tokenizer.json': /^tokenizer\.json$/,
  'file with weights (.safetensors)': /^[^/]+\.safetensors$/,
}

/** A base model as artifacts. */
export interface BaseArtifacts {
  /** The name of the listing. */
  name: Hex
  listing: string
  /** In the order of the files. */
  parts: { name: Hex; file: string; start: number; size: number }[]
  bytes: number
  files: FolderFiles
}

/** Reads a folder once to name its parts, without holding a file in memory. */
export async function nameBase(folder: FolderFiles): Promise<BaseArtifacts> {
  const files: FolderListing['files'] = {}
  const parts: BaseArtifacts['parts'] = []
  let bytes = 0
  for (const file of ((await folder.list()) ?? []).filter((one) => NEEDED.test(one)).sort()) {
    const size = (await folder.size(file)) ?? 0
    const names: Hex[] = []
    for (let start = 0; start < size; start += UPLOAD_PART_BYTES) {
      const part = await readPart(folder, { file, start, size: Math.min(UPLOAD_PART_BYTES, size - start) })
      const name = await nameOf(part)
      names.push(name)
      parts.push({ name, file, start, size: part.length })
    }
    const [whole] = names
    if (whole) files[file] = names.length === 1 ? whole : { size, parts: names }
    bytes += size
  }
  const listing = canonicalJson({ files } as never)
  return { name: await nameOf(new TextEncoder().encode(listing)), listing, parts, bytes, files: folder }
}

async function nameOf(bytes: Uint8Array): Promise<Hex> {
  const hash = await ContentHash.start()
  hash.update(bytes)
  return hash.name() as Hex
}

/** @throws ClientError when the file is not what it was. */
async function readPart(
  folder: FolderFiles,
  { file, start, size }: Omit<BaseArtifacts['parts'][number], 'name'>,
): Promise<Uint8Array> {
  const bytes = await folder.read(file, start, start + size)
  if (bytes?.length === size) return bytes
  throw new ClientError(`${file} of the base model has changed while it was read. Try again.`)
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

async function uploadParts(client: Client, { name, listing, parts, files }: BaseArtifacts): Promise<void> {
  for (const [done, part] of parts.entries()) {
    client.onProgress?.({ act: 'propose', step: `uploading ${part.file}`, done, total: parts.length })
    await uploadBytes(client, part.name, await readPart(files, part))
  }
  await uploadBytes(client, name, new TextEncoder().encode(listing))
}
