import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fileState } from './fileState.ts'

async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-state-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'acts.json')
}

test('acts of one process that run at the same time share the state, and no change is lost', async () => {
  const file = await stateFile()
  const act = async (nth: number) => {
    const state = fileState(file)
    const unlock = await state.lock?.()
    await state.write(`act ${nth}`, 'begun')
    await state.write(`other ${nth}`, 'kept')
    await state.remove(`act ${nth}`)
    await unlock?.()
  }
  await Promise.all(Array.from({ length: 12 }, (_, nth) => act(nth)))
  const { values } = JSON.parse(await readFile(file, 'utf8'))
  expect(Object.keys(values).sort()).toEqual(Array.from({ length: 12 }, (_, nth) => `other ${nth}`).sort())
  await expect(readFile(`${file}.lock`)).rejects.toThrow(/ENOENT/)
})

test('a state that another process uses is refused until that is gone', async () => {
  const file = await stateFile()
  const state = fileState(file)
  await writeFile(`${file}.lock`, '1')
  await expect(state.lock?.()).rejects.toThrow(/Process 1 uses this state/)
  await writeFile(`${file}.lock`, '999999999')
  const unlock = await state.lock?.()
  expect(await readFile(`${file}.lock`, 'utf8')).toBe(`${process.pid}\n`)
  await unlock?.()
  await expect(readFile(`${file}.lock`)).rejects.toThrow(/ENOENT/)
})
