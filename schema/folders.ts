import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '#rules/canonicalJson.ts'
import { ArtifactError, type ArtifactStore } from './artifacts/index.ts'
import { type FileParts, type FolderListing, UPLOAD_PART_BYTES } from './folderListing.ts'

/** Stores every file of `folder` (no sub-folders) and returns the name of its listing. */
export async function storeFolder(store: Pick<ArtifactStore, 'put' | 'putFile'>, folder: string): Promise<string> {
  const files: Record<string, string> = {}
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile()))
    files[entry.name] = await store.putFile(join(folder, entry.name))
  return store.put(new TextEncoder().encode(canonicalJson({ files })))
}

/** A proposal may name any artifact as its folder, such as a model of many GB. This is enough for the parts of a terabyte. */
const MAX_LISTING_BYTES = 1 << 24
/** Each is opened at once. */
const MAX_LISTED_FILES = 10_000

/** Downloads the folder that `name` lists to `cache`, unless it is already there, and returns its path.
 *  @throws ArtifactError when the listing or a file is missing, or the artifact is not a listing, or a larger one than a folder may have. */
export async function fetchFolder(store: ArtifactStore, name: string, cache: string): Promise<string> {
  const target = join(cache, name)
  if (await stat(target).catch(() => undefined)) return target
  const listing = readListing(name, await store.get(name, { maxBytes: MAX_LISTING_BYTES }))
  const temporary = join(cache, `${name}.${process.pid}.${++downloads}.part`)
  await mkdir(temporary, { recursive: true })
  const files = Object.entries(listing.files).map(([file, content]) =>
    fetchListed(store, content, join(temporary, file)),
  )
  try {
    await Promise.all(files)
    await rename(temporary, target)
  } catch (error) {
    await Promise.allSettled(files) // one that still writes would keep the folder
    await rm(temporary, { recursive: true, force: true })
    if (await stat(target).catch(() => undefined)) return target // another process has downloaded it meanwhile
    throw error
  }
  return target
}

let downloads = 0

async function fetchListed(store: ArtifactStore, content: string | FileParts, path: string): Promise<void> {
  if (typeof content === 'string') return store.getFile(content, path)
  const file = await open(path, 'w')
  try {
    for (const part of content.parts) await file.appendFile(await store.get(part, { maxBytes: UPLOAD_PART_BYTES }))
    const { size } = await file.stat()
    if (size !== content.size)
      throw new ArtifactError('corrupt', `A file in parts has ${size} bytes, but its listing says ${content.size}.`)
  } finally {
    await file.close()
  }
}

/** Downloads an artifact to a file in `cache`, unless it is already there, and returns its path. */
export async function fetchFile(store: ArtifactStore, name: string, cache: string): Promise<string> {
  const target = join(cache, name)
  if (await stat(target).catch(() => undefined)) return target
  await mkdir(cache, { recursive: true })
  await store.getFile(name, target)
  return target
}

function readListing(name: string, bytes: Uint8Array): FolderListing {
  const invalid = () =>
    new ArtifactError(
      'corrupt',
      `Artifact ${name} is not the listing of a folder: expected {"files": {name: artifact}}.`,
    )
  let listing: FolderListing
  try {
    listing = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw invalid()
  }
  const files = Object.entries(listing?.files ?? {})
  if (
    files.length === 0 ||
    files.length > MAX_LISTED_FILES ||
    files.some(([file, content]) => !/^[\w][\w.-]*$/.test(file) || !isContent(content))
  )
    throw invalid()
  return listing
}

const isContent = (content: string | FileParts | null): boolean =>
  typeof content === 'string' ||
  (Number.isSafeInteger(content?.size) &&
    Array.isArray(content?.parts) &&
    content.parts.every((part) => typeof part === 'string'))
