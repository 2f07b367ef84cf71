import { expect, test } from 'vitest'
import { proposeModel } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { TERMS } from '#contracts/test/mandate.ts'
import { hashOf, SETTINGS } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

test('whoever settles a bond is told what went back, what was slashed, and why', async () => {
  const { url, world, folder, modelId, as } = await clientSystem()
  const ignored = await proposeModel(await as(2), { specHash: hashOf('a clerk'), terms: TERMS })
  await world.warp(SETTINGS.votingDelay + SETTINGS.votingPeriod + 2)
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(9) }
  const settle = async (id: bigint, ...options: string[]) => {
    const { code, stdout, stderr } = await modelcommons(['settle-bond', id.toString(), ...options], env)
    expect(code, stderr).toBe(0)
    return stdout.trim()
  }
  const tried = await modelcommons(['settle-bond', ignored.modelId.toString(), '--dry-run'], env)
  expect(tried.stderr).toContain(
    '8 gOPEN of the bond would go back to the proposer, and 2 gOPEN would be slashed: the votes of others did not reach the quorum.',
  )
  expect(await settle(ignored.modelId)).toBe(
    '8 gOPEN of the bond went back to the proposer, and 2 gOPEN were slashed: the votes of others did not reach the quorum.',
  )
  expect(JSON.parse(await settle(modelId, '--json'))).toMatchObject({ slashed: '0', reason: 'quorum' })
})
