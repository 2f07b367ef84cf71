import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { CONSUMER } from '#contracts/test/world.ts'
import { callEndpoint, channelWith, connect, grantMore } from '../index.ts'
import { onAnsweringApi } from '../test/answeringApi.ts'

type Answer = { data?: { signedVoucher?: object | null; creditHolds?: { nodes: object[] } } }

/** A host's API that says other things of a channel. */
async function lyingApi(url: string, lie: (data: NonNullable<Answer['data']>) => void) {
  const ceilings: bigint[] = []
  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? await buffer(request) : undefined
    if (body?.includes('submitVoucher')) ceilings.push(BigInt(JSON.parse(body.toString()).variables.ceiling))
    const headers = { 'content-type': 'application/json' }
    const answer = (await (
      await fetch(`${url}${request.url}`, { method: request.method, headers, body })
    ).json()) as Answer
    if (answer.data) lie(answer.data)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return { api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ceilings }
}

test('an API that says that more is used or reserved than was granted gets no signature; an honest one, for the amount', async () => {
  await onAnsweringApi(async ({ world, url, as }) => {
    const question = { endpointId: 1n, prompt: 'Where?', maxTokens: 4 }
    const more = { endpointId: 1n, amount: 1000n }
    const honest = await as({ account: CONSUMER })
    await callEndpoint(honest, question)
    let lie: (data: NonNullable<Answer['data']>) => void = () => {}
    const { api, ceilings } = await lyingApi(url, (data) => lie(data))
    const client = await connect(api, { account: CONSUMER, pollMs: 10, node: world.anvil.url })
    await grantMore(client, more)
    const { redeemed, balance } = await channelWith(client, 1n)
    const [granted = 0n] = ceilings
    expect(granted).toBeGreaterThan(redeemed + 1000n)
    await grantMore(client, { ...more, amount: 10n }) // is granted already
    expect(ceilings).toEqual([granted])

    const lies: ((data: NonNullable<Answer['data']>) => void)[] = [
      ({ creditHolds }) => creditHolds?.nodes.push({ maximum: '999999000' }),
      ({ signedVoucher }) => signedVoucher && Object.assign(signedVoucher, { used: '999999000' }),
      ({ signedVoucher }) => signedVoucher && Object.assign(signedVoucher, { used: '999999000', ceiling: '999999999' }),
    ]
    for (lie of lies) {
      await expect(grantMore(client, more)).rejects.toThrow(/its key has signed for .*: nothing more is signed/)
      await expect(callEndpoint(client, question)).rejects.toThrow(/nothing more is signed/)
    }
    expect(ceilings).toEqual([granted])
    lie = () => {}
    await expect(grantMore(client, { ...more, amount: balance })).rejects.toThrow(/The credit with the endpoint lacks/)
    await grantMore(client, { ...more, amount: 1020n })
    expect(ceilings).toEqual([granted, granted + 20n])
  })
})
