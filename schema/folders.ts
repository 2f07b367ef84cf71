import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '#rules/canonicalJson.ts'
import { ArtifactError, type ArtifactStore } from './artifacts.ts'

/** A folder of files (an adapter, a base model) as one artifact: a listing that names each file's artifact. */
interface Listing {
  files: Record<string, string>
}

/** Stores every file of `folder` (no sub-folders) and returns the name of its listing. */
export async function storeFolder(store: Pick<ArtifactStore, 'put'>, folder: string): Promise<string> {
  const files: Record<string, string> = {}
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile()))
    files[entry.name] = await store.put(await readFile(join(folder, entry.name)))
  return store.put(new TextEncoder().encode(canonicalJson({ files })))
}

/** Lays the folder that `name` lists under `cache` and returns its path; laid once, then found again.
 *  @throws ArtifactError when the listing or a file is missing, or the artifact is no listing. */
export async function fetchFolder(store: ArtifactStore, name: string, cache: string): Promise<string> {
  const target = join(cache, name)
  if (await stat(target).catch(() => undefined)) return target
  const listing = readListing(name, await store.get(name))
  const aside = join(cache, `${name}.${process.pid}.${++laid}.part`)
  await mkdir(aside, { recursive: true })
  try {
    for (const [file, artifact] of Object.entries(listing.files))
      await writeFile(join(aside, file), await store.get(artifact))
    await rename(aside, target)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    if (await stat(target).catch(() => undefined)) return target // another process laid it meanwhile
    throw error
  }
  return target
}

let laid = 0

function readListing(name: string, bytes: Uint8Array): Listing {
  const fault = () =>
    new ArtifactError('corrupt', `Artifact ${name} does not list a folder: expected {"files": {name: artifact}}.`)
  let listing: Listing
  try {
    listing = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw fault()
  }
  const files = Object.entries(listing?.files ?? {})
  if (files.length === 0 || files.some(([file, hash]) => !/^[\w][\w.-]*$/.test(file) || typeof hash !== 'string'))
    throw fault()
  return listing
}
