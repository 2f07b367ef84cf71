import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '#rules/canonicalJson.ts'
import { ArtifactError, type ArtifactStore } from './artifacts/index.ts'

/** The artifact of a folder (an adapter or a base model): a listing with the artifact of each file. */
interface Listing {
  files: Record<string, string>
}

/** Stores every file of `folder` (no sub-folders) and returns the name of its listing. */
export async function storeFolder(store: Pick<ArtifactStore, 'put' | 'putFile'>, folder: string): Promise<string> {
  const files: Record<string, string> = {}
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile()))
    files[entry.name] = await store.putFile(join(folder, entry.name))
  return store.put(new TextEncoder().encode(canonicalJson({ files })))
}

/** Downloads the folder that `name` lists to `cache`, unless it is already there, and returns its path.
 *  @throws ArtifactError when the listing or a file is missing, or the artifact is not a listing. */
export async function fetchFolder(store: ArtifactStore, name: string, cache: string): Promise<string> {
  const target = join(cache, name)
  if (await stat(target).catch(() => undefined)) return target
  const listing = readListing(name, await store.get(name))
  const temporary = join(cache, `${name}.${process.pid}.${++downloads}.part`)
  await mkdir(temporary, { recursive: true })
  const files = Object.entries(listing.files).map(([file, artifact]) => store.getFile(artifact, join(temporary, file)))
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

/** Downloads an artifact to a file in `cache`, unless it is already there, and returns its path. */
export async function fetchFile(store: ArtifactStore, name: string, cache: string): Promise<string> {
  const target = join(cache, name)
  if (await stat(target).catch(() => undefined)) return target
  await mkdir(cache, { recursive: true })
  await store.getFile(name, target)
  return target
}

function readListing(name: string, bytes: Uint8Array): Listing {
  const invalid = () =>
    new ArtifactError(
      'corrupt',
      `Artifact ${name} is not the listing of a folder: expected {"files": {name: artifact}}.`,
    )
  let listing: Listing
  try {
    listing = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw invalid()
  }
  const files = Object.entries(listing?.files ?? {})
  if (files.length === 0 || files.some(([file, hash]) => !/^[\w][\w.-]*$/.test(file) || typeof hash !== 'string'))
    throw invalid()
  return listing
}
