import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test, vi } from 'vitest'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { documentBytes, parseDocument } from '#schema/documents.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { MAX_USAGE_BYTES, MAX_USAGE_DOCUMENTS } from '#schema/usageDocument.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { computeEpoch } from './epoch.ts'
import { digitHash, epochRows, hostKey, openedReceipt, parties, signUsage, strangerKey } from './test/epochRows.ts'

const mine = (over: object = {}) => ({ epoch: 1, receipts: [openedReceipt(over)] })

async function system() {
  const rows = await epochRows()
  const computed = (usage: Awaited<ReturnType<typeof rows.bundle>>[]) =>
    computeEpoch(rows.sources, { epoch: 1, usage, absent: [] })
  return { ...rows, computed, plain: (await computed([])).lines, honest: await rows.bundle(mine()) }
}

test('a document counts when the host of its endpoints has signed it for this epoch, chain and distributor', async () => {
  const { bundle, computed, plain, honest } = await system()
  const paid = (await computed([honest])).lines
  expect(paid.some(({ role }) => role === 'answers')).toBe(true)
  const attacks = {
    'a stranger signs': await bundle(mine(), { key: strangerKey }),
    'nobody signs': { ...honest, signature: '' },
    'the signature is of another document': { ...(await bundle(mine({ fee: '1' }))), document: honest.document },
    'of another epoch': await bundle(mine(), { epoch: 2 }),
    'of another chain': await bundle(mine(), { chainId: 1 }),
    'of another distributor': await bundle(mine(), { contract: parties.alice as `0x${string}` }),
    'v is 0 or 1': { ...honest, signature: honest.signature.replace(/1[bc]$/, (v) => (v === '1b' ? '00' : '01')) },
    'it is the twin with a high s': { ...honest, signature: twin(honest.signature) },
    'it is written in capitals': { ...honest, signature: honest.signature.toUpperCase().replace('X', 'x') },
    'it is longer': { ...honest, signature: `${honest.signature}00` },
    'it is zero': { ...honest, signature: `0x${'0'.repeat(128)}1b` },
  }
  for (const [attack, usage] of Object.entries(attacks)) expect((await computed([usage])).lines, attack).toEqual(plain)
  expect((await computed([...Object.values(attacks), honest])).lines).toEqual(paid)
})

/** The same signature in its other form: n − s, and the other v. */
function twin(signature: string): string {
  const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = (n - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
  return signature.slice(0, 66) + s + (signature.endsWith('1b') ? '1c' : '1b')
}

test('a host says nothing of another’s endpoint, and takes no receipt’s id away from it', async () => {
  const { sql, bundle, computed, honest } = await system()
  const other = strangerKey.address.toLowerCase()
  await insert(sql, Endpoint, { id: '0', versionId: '2', host: other })
  const fees = { consumer: parties.bob, amount: 10n, epoch: 1, fromBlock: 10 }
  await insert(sql, Redemption, { id: 'other', endpointId: '0', versionId: '2', ...fees })
  const paid = (await computed([honest])).lines
  const stolen = [openedReceipt({ attribution: [{ contributionId: '3', mass: 1_000_000 }] })]
  const attack = await bundle({ epoch: 1, receipts: stolen }, { key: strangerKey })
  expect((await computed([attack, honest])).lines).toEqual(paid)
  const own = { endpointId: '0', consumer: parties.bob, fee: '1', cumulative: '1', attribution: [] }
  const shadow = await bundle({ epoch: 1, receipts: [openedReceipt(own)] }, { key: strangerKey })
  const { lines } = await computed([shadow, honest])
  expect(lines.find(({ role, account }) => role === 'answers' && account === parties.alice)).toBeDefined()
})

test('of a host the first document counts, whichever else it signs', async () => {
  const { bundle, computed, honest } = await system()
  const first = await computed([honest])
  const second = await bundle(mine({ id: 'r2', attribution: [{ contributionId: '3', mass: 1_000_000 }] }))
  expect((await computed([honest, second])).lines).toEqual(first.lines)
  expect((await computed([second, honest])).lines).toEqual((await computed([second])).lines)
})

test('no document of strangers is read, and of hosts one each; one that is larger than allowed states nothing', async () => {
  const { sources, bundle, computed, plain, folder } = await system()
  const get = vi.spyOn(sources.artifacts, 'get')
  const unread = await bundle(mine({ id: 'r9' }), { key: strangerKey })
  await computed([unread])
  expect(get.mock.calls.map(([name]) => name)).not.toContain(unread.document)
  const large = { ...mine(), filler: 'x'.repeat(MAX_USAGE_BYTES) }
  const signed = await bundle(large)
  expect((await computed([signed])).lines).toEqual(plain)
  await writeFile(join(folder, signed.document.slice(2, 4), signed.document), 'damaged')
  await expect(computed([signed])).rejects.toThrow(signed.document)
})

test('documents that are too large with those before them state nothing', async () => {
  const { sql, sources, honest } = await system()
  const large = await Promise.all(
    [11, 12, 13, 14, 15].map(async (digit) => {
      const key = privateKeyToAccount(`0x${String(digit).repeat(32)}`)
      const id = String(digit)
      await insert(sql, Endpoint, { id, versionId: '2', host: key.address.toLowerCase() })
      const fees = { consumer: parties.bob, amount: 1n, epoch: 1, fromBlock: 10 }
      await insert(sql, Redemption, { id, endpointId: id, versionId: '2', ...fees })
      const { chainId, addresses } = sources.deployment
      const domain = { chainId, contract: addresses.RewardDistributor }
      return signUsage(key, domain, 1, `0x${String(digit).repeat(32)}`)
    }),
  )
  const bytes = documentBytes({ epoch: 1, receipts: [], filler: 'x'.repeat(MAX_USAGE_BYTES - 50) })
  const get: typeof sources.artifacts.get = async (name, options) => {
    if (!large.some(({ document }) => document === name)) return sources.artifacts.get(name, options)
    if (bytes.length > (options?.maxBytes ?? 0)) throw new ArtifactError('tooLarge', `${name} is too large.`)
    return bytes
  }
  const computed = async (usage: typeof large) =>
    (await computeEpoch({ ...sources, artifacts: { get } }, { epoch: 1, usage, absent: [] })).lines
  const [plain, paid] = [await computed([]), await computed([honest])]
  expect(paid).not.toEqual(plain)
  expect(await computed([...large.slice(0, 3), honest, ...large.slice(3)])).toEqual(paid)
  expect(await computed([...large.slice(0, 4), honest])).toEqual(plain)
})

test('a map with more documents than allowed is none, and one of an earlier release has names that nobody signed', async () => {
  const { computed, honest, plain } = await system()
  const map = await computed([honest])
  const parsed = (usage: unknown) =>
    parseDocument(rewardMapDocument, new TextEncoder().encode(JSON.stringify({ ...map, usage })))
  expect(parsed(Array(MAX_USAGE_DOCUMENTS).fill(honest)).success).toBe(true)
  expect(parsed(Array(MAX_USAGE_DOCUMENTS + 1).fill(honest)).success).toBe(false)
  const old = parsed([honest.document, digitHash('5')])
  expect(old.success && (await computed(old.data.usage)).lines).toEqual(plain)
  expect(must(map.usage[0])).toEqual(honest)
  expect(hostKey.address.toLowerCase()).toBe(parties.host)
})
