import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatEther, toHex } from 'viem'
import { expect, test } from 'vitest'
import { channelWith } from '#client/index.ts'
import { onAnsweringApi } from '#client/test/answeringApi.ts'
import { ALICE, OPERATOR } from '#contracts/test/world.ts'
import { FEE } from '#test/answeringSystem.ts'
import { keyOf, modelcommons } from '../test/program.ts'

test('a consumer pays for answers, the host settles, and rewards why tells the host what the map on the chain gives it, and why', async () => {
  await onAnsweringApi(async ({ world, answered, url, folder, as, ask }) => {
    const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(4) }
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await modelcommons(args, env)
      expect(code, stderr).toBe(0)
      return stdout.trim()
    }
    const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'))
    await run('credit', 'deposit', '1', '0.5')
    const alice = await as({ account: ALICE })
    const channel = () => channelWith(alice, 1n)
    expect(await channel()).toMatchObject({ balance: 5n * 10n ** 17n, redeemed: 0n })

    // Nothing is mined while nobody pays: redemptions before and after an answer are asked for in the same block.
    expect(await json('endpoint', 'settle')).toEqual({ channels: 0, amount: '0', owed: '0', failed: [] })
    const asking = ['call', '1', 'Where is it?', '--max-tokens', '4', '--dry-run']
    expect((await json(...asking)).plan).toMatchObject([
      { step: 'sign a voucher', args: [(await channel()).id, expect.any(String)] },
    ])
    expect(await run(...asking)).toMatch(/^Promise the host at most [\d.]+ gOPEN .*\nNothing was signed or sent\.$/)
    expect(answered).toEqual([])
    const call = await json('call', '1', 'Where is it?', '--max-tokens', '4')
    expect(call).toMatchObject({
      answer: 'Where is it? 1',
      receipt: { fee: FEE.toString(), consumer: expect.any(String) },
    })
    await writeFile(join(folder, 'answer.json'), JSON.stringify(call))
    expect(await json('receipt', 'verify', join(folder, 'answer.json'))).toMatchObject({ valid: true, problems: [] })
    expect(await json('endpoint', 'settle', '--dry-run')).toEqual({ plan: [{ step: 'redeem' }] })
    expect((await channel()).redeemed).toBe(0n)
    expect(await json('endpoint', 'settle')).toEqual({ channels: 1, amount: FEE.toString(), owed: '0', failed: [] })
    expect(await channel()).toMatchObject({ balance: 5n * 10n ** 17n - FEE, redeemed: FEE })
    expect(answered).toEqual(['Where is it?'])
    expect(await run('usage')).toMatch(/^time 20\S+Z, .* {2}requests 1 .* {2}fees [\d.]+ gOPEN$/)

    await ask.settle(1)
    const why = await json('rewards', 'why', OPERATOR.address)
    const reasons = why.reasons as { amount: string; pot: string; weight: string; whole: string }[]
    expect(reasons.length).toBeGreaterThan(0)
    for (const { amount, pot, weight, whole } of reasons)
      expect(BigInt(amount)).toBe((BigInt(pot) * BigInt(weight)) / BigInt(whole))
    expect(reasons.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(why.earned))
    const text = await run('rewards', 'why', OPERATOR.address, '1')
    expect(text).toContain(
      `Epoch 1 gave ${OPERATOR.address} ${formatEther(why.earned)} gOPEN; with all epochs before, ${formatEther(why.cumulative)} gOPEN, claimed or not.`,
    )
    expect(text).toContain('--all shows each amount with its formula.')
    const all = await run('rewards', 'why', OPERATOR.address, '1', '--all')
    expect(all.match(/⌊\d+ × \d+ \/ \d+⌋ wei$/gm)).toHaveLength(reasons.length)
    expect(await run('rewards', 'why', ALICE.address)).toBe(
      `${ALICE.address} got nothing in this epoch and those before.`,
    )
    await world.warp(2)
    const hostEnv = { ...env, MODELCOMMONS_KEY: toHex(OPERATOR.getHdKey().privateKey as Uint8Array) }
    const claim = await modelcommons(['claim', '--json'], hostEnv)
    const told = claim.stderr.trim().split('\n')
    expect(told.map((line) => JSON.parse(line).step)).toEqual(['RewardDistributor.claim', 'waiting for the index'])
    expect(JSON.parse(claim.stdout)).toEqual({ wei: why.cumulative })
    expect(await world.read('RewardDistributor', 'claimed', [OPERATOR.address])).toBe(BigInt(why.cumulative))
  })
})
