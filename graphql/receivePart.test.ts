import { keccak256 } from 'viem'
import { expect, test } from 'vitest'
import { UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { account, insert } from '#test/factory.ts'
import { hashKey } from './access.ts'
import { testApi } from './test/api.ts'

test('bytes are stored under their hash by operators only, as they are; HEAD tells which are there', async () => {
  const { url, db, artifacts } = await testApi({ auth: 'keys' })
  const [operator, consumer] = ['operator-key', 'consumer-key']
  await insert(db, ApiKey, { id: hashKey(operator), role: 'Operator', account: account(1) })
  await insert(db, ApiKey, { id: hashKey(consumer), role: 'Consumer', account: account(2) })
  const bytes = Uint8Array.from({ length: UPLOAD_PART_BYTES }, (_, at) => at * 31)
  const name = keccak256(bytes)
  const put = async (body: Uint8Array, key?: string, under = keccak256(body)) => {
    const headers = { ...(key && { authorization: `Bearer ${key}` }) }
    const answer = await fetch(`${url}/artifacts/${under}`, {
      method: 'PUT',
      body: body as Uint8Array<ArrayBuffer>,
      headers,
    })
    const { errors } = (await answer.json()) as { errors?: { extensions: { code: string } }[] }
    return [answer.status, errors?.[0]?.extensions.code]
  }
  const head = async () => (await fetch(`${url}/artifacts/${name}`, { method: 'HEAD' })).status
  expect(await head()).toBe(404)
  expect(await put(bytes)).toEqual([401, 'UNAUTHENTICATED'])
  expect(await put(bytes, consumer)).toEqual([403, 'FORBIDDEN'])
  expect(await put(bytes, operator, keccak256('0x01'))).toEqual([400, 'BAD_INPUT'])
  expect(await put(new Uint8Array(0), operator)).toEqual([400, 'BAD_INPUT'])
  expect(await put(new Uint8Array(UPLOAD_PART_BYTES + 1), operator)).toEqual([413, 'REQUEST_TOO_LARGE'])
  expect(await head()).toBe(404)
  for (const _ of [1, 2]) expect(await put(bytes, operator)).toEqual([201, undefined])
  expect(await head()).toBe(200)
  expect(Buffer.from(bytes).equals(await artifacts.get(name))).toBe(true)
})
