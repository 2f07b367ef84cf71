import { randomBytes } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ApiRefusal } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import { fetchFolder, storeFolder } from '#schema/folders.ts'
import { nameBase, uploadBase } from './baseFiles.ts'
import { checkFolder } from './checkFolder.ts'
import { diskFolder } from './diskFolder.ts'
import { proposeFolder } from './proposeFolder.ts'
import { EXAMPLE_BASE, newFolder } from './test/newFolder.ts'

test('a base model larger than a part is uploaded in parts, an upload that broke goes on, and workers get the same files', async () => {
  const { as, folder, url } = await clientSystem()
  const base = join(folder, 'base')
  await mkdir(base)
  const weights = randomBytes(2 * UPLOAD_PART_BYTES + 5)
  await writeFile(join(folder, 'blob'), weights)
  await symlink(join(folder, 'blob'), join(base, 'model.safetensors')) // as in the cache of Hugging Face
  await writeFile(join(base, 'config.json'), '{}')
  await writeFile(join(base, '.gitattributes'), 'left out')
  const named = await nameBase(diskFolder(base))
  expect(named.parts.map(({ file, size }) => [file, size])).toEqual([
    ['config.json', 2],
    ['model.safetensors', UPLOAD_PART_BYTES],
    ['model.safetensors', UPLOAD_PART_BYTES],
    ['model.safetensors', 5],
  ])
  const sent: string[] = []
  let left = 2
  const client = await as(4)
  const breaking = {
    ...client,
    request: async (path: string, init?: RequestInit) => {
      if (init?.method === 'PUT') {
        if (left-- === 0) throw new Error('the line broke')
        sent.push(path)
      }
      return client.request(path, init)
    },
  }
  await expect(uploadBase(breaking, named)).rejects.toThrow('the line broke')
  left = 99
  await uploadBase(breaking, named)
  expect(new Set(sent).size).toBe(5) // four parts and the listing
  expect(sent).toHaveLength(5)
  const store = localStore(join(folder, 'artifacts'))
  const fetched = await fetchFolder(store, named.name, join(folder, 'cache'))
  expect((await readFile(join(fetched, 'model.safetensors'))).equals(weights)).toBe(true)
  expect((await fetch(`${url}/artifacts/${named.name}`)).status).toBe(200)

  const request = () => Promise.reject(new ApiRefusal('FORBIDDEN', 'Only an operator may do this.'))
  await expect(uploadBase({ ...client, request }, named)).rejects.toThrow(
    /with an operator's key only .* write `stored: "0x[0-9a-f]{64}"`/,
  )

  const short = JSON.parse(named.listing)
  short.files['model.safetensors'].size++
  const wrong = await store.put(new TextEncoder().encode(JSON.stringify(short)))
  await expect(fetchFolder(store, wrong, join(folder, 'cache'))).rejects.toThrow(
    /has 8388613 bytes, but its listing says 8388614/,
  )
})

test('a small base model has the name that the operator’s own store gives it', async () => {
  const { folder } = await clientSystem()
  const store = localStore(join(folder, 'artifacts'))
  expect((await nameBase(diskFolder(EXAMPLE_BASE))).name).toBe(await storeFolder(store, EXAMPLE_BASE))
})

test('a base model that the API is said to have must be there', async () => {
  const { as, world } = await clientSystem()
  const made = await newFolder()
  const { folder } = await checkFolder(made.path, { now: made.now })
  await made.edit('model.yaml', [`folder: ${folder?.model.base.folder}`, `stored: 0x${'ab'.repeat(32)}`])
  const changed = (await checkFolder(made.path, { now: made.now })).folder
  expect(changed?.model.base.stored).toBe(`0x${'ab'.repeat(32)}`)
  if (!changed) return
  await expect(proposeFolder(await as(2), changed)).rejects.toThrow(/has no base model 0xabab.* Correct base.stored/)
  expect(await world.read('ModelRegistry', 'modelCount', [])).toBe(1n)
})
