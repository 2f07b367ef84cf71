import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { modelcommons } from '../test/program.ts'

async function emptyHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-accounts-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  await mkdir(join(home, 'accounts'))
  return home
}

test('a weak passphrase is warned about, and a file that is broken hides no other account', async () => {
  const home = await emptyHome()
  const make = (account: string, passphrase: string) =>
    modelcommons(['account', 'new', '--account', account], {
      ...{ MODELCOMMONS_HOME: home, MODELCOMMONS_PASSPHRASE: passphrase },
    })
  const weak = await make('ada', 'cat')
  expect([weak.code, weak.stderr.trim()]).toEqual([
    0,
    'Warning: the passphrase has fewer than 10 characters, so that whoever gets the file may guess it. Several words are better. The account is made all the same.',
  ])
  expect((await make('bo', 'an owl in the attic')).stderr).toBe('')

  await writeFile(join(home, 'accounts/cleo.json'), '{"version": 3,')
  const list = (...args: string[]) => modelcommons(['account', 'list', ...args], { MODELCOMMONS_HOME: home })
  const { code, stdout } = await list()
  expect(code).toBe(0)
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^ada {2}0x[0-9a-fA-F]{40}$/),
    expect.stringMatching(/^bo {2}0x[0-9a-fA-F]{40}$/),
    'cleo  broken: cleo.json is no account file of version 3 with scrypt. Put back a copy of it, or import its key.',
  ])
  expect(JSON.parse((await list('--json')).stdout)[2]).toEqual({
    ...{ account: 'cleo', broken: expect.stringMatching(/^cleo\.json is no account file/) },
  })
})
