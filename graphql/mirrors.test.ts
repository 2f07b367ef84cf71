import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { localStore, mirrorAddress, mirroredArtifacts, openMirrors } from '#schema/artifacts/index.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { freePort } from '#schema/postgres.ts'
import { blockHash, insert } from '#test/factory.ts'
import { testApi } from './test/api.ts'

/** An installation that reads the artifacts of another through its API. */
async function installation(port: number, mirror: number) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-artifacts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const ownArtifacts = localStore(folder)
  const address = mirrorAddress(`http://127.0.0.1:${mirror}/artifacts`)
  const artifacts = mirroredArtifacts(ownArtifacts, openMirrors([address], { maxBytes: 1e6 }))
  return { ...(await testApi({ port, ownArtifacts, artifacts })), ownArtifacts }
}

test('two installations mirror each other: listed artifacts are read from the other, and no request goes in a circle', async () => {
  const [portA, portB] = [await freePort(), await freePort()]
  const a = await installation(portA, portB)
  const b = await installation(portB, portA)
  const name = await b.ownArtifacts.put(new TextEncoder().encode('only B has it'))
  const nowhere = blockHash(1)
  const textAt = ({ ask }: typeof a, id: string) => ask('query ($id: ID!) { artifact(id: $id) { text } }', { id })
  const file = (one: typeof a, id: string) => fetch(`${one.url}/artifacts/${id}`)

  expect((await file(a, name)).status).toBe(404)
  expect((await textAt(a, name)).data.artifact).toBeNull()
  for (const id of [name, nowhere]) await insert(a.db, Artifact, { id, mediaType: 'text/plain', size: 13n })
  expect((await textAt(a, name)).data.artifact).toEqual({ text: 'only B has it' })
  expect(await (await file(a, name)).text()).toBe('only B has it')
  expect((await textAt(a, nowhere)).errors?.[0]?.extensions.code).toBe('ARTIFACT_MISSING')
})
