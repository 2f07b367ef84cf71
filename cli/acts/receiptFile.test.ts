import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readReceipt } from '#client/index.ts'
import { onAnsweringApi } from '#client/test/answeringApi.ts'
import { ALICE, OPERATOR } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

test('a receipt is verified from its file alone or with its chain, a changed one is not, and its consumer alone countersigns it', async () => {
  await onAnsweringApi(async ({ url, folder, as }) => {
    const offline = { MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(4) }
    const env = { ...offline, MODELCOMMONS_API: url }
    const file = join(folder, 'answer.json')
    await modelcommons(['credit', 'deposit', '1', '0.5'], env)
    const call = await modelcommons(['call', '1', 'Where is it?', '--max-tokens', '4', '--json'], env)
    const answered = JSON.parse(call.stdout)
    await writeFile(file, call.stdout)
    const verified = async (environment: Record<string, string>, given: object = answered) => {
      await writeFile(file, JSON.stringify(given))
      const { code, stdout, stderr } = await modelcommons(['receipt', 'verify', file, '--json'], environment)
      return { code, stderr, ...(stdout && JSON.parse(stdout)) }
    }
    const signer = OPERATOR.address
    expect(await verified(offline)).toMatchObject({
      ...{ code: 0, valid: true, problems: [], signer },
      stderr: expect.stringContaining('No chain was asked: compare the signer with the host of endpoint 1'),
    })
    expect(await verified(env)).toMatchObject({ code: 0, valid: true, checked: expect.arrayContaining(['host']) })
    const changed = { ...answered, receipt: { ...answered.receipt, fee: '1' } }
    for (const environment of [offline, env])
      expect(await verified(environment, changed)).toMatchObject({
        code: 1,
        valid: false,
        problems: expect.arrayContaining([expect.stringContaining('one of them was changed')]),
      })
    const forged = { ...answered, receipt: { ...answered.receipt, salt: null, answer: 'Another one.' } }
    expect(await verified(offline, forged)).toMatchObject({
      unchecked: expect.arrayContaining(['texts']),
      stderr: expect.stringContaining('NOT PROVEN by any signature'),
    })
    for (const none of [[], { receipt: null }])
      expect(await verified(offline, none)).toMatchObject({ code: 1, stderr: expect.not.stringContaining('TypeError') })

    await verified(env) // the file is the right one again
    const countersign = (account: number) =>
      modelcommons(['receipt', 'countersign', file, '--json'], { ...env, MODELCOMMONS_KEY: keyOf(account) })
    expect(await countersign(5)).toMatchObject({ code: 1, stdout: '' })
    const { countersignature } = JSON.parse((await countersign(4)).stdout)
    const kept = await readReceipt(await as({ account: ALICE }), answered.receipt.id)
    expect(kept.countersignature).toBe(countersignature)
    expect(await verified(offline, kept)).toMatchObject({
      code: 0,
      checked: expect.arrayContaining(['countersignature']),
    })
  })
})
