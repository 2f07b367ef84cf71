import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { recoverFolder, writeFileAtomically, writeFolderAtomically } from './atomic.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atomic-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)))

/** A program that writes 4 MiB of ones, then of twos, and so on, to the same file for ever. */
const writerForEver = (path: string) => `
  import { writeSafetensors } from ${module('./safetensors.ts')}
  for (let n = 1; ; n++) {
    await writeSafetensors(${JSON.stringify(path)}, new Map([['w', { shape: [1 << 20], data: new Float32Array(1 << 20).fill(n) }]]))
    if (n === 1) console.log('written')
  }`
const tsx = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e']

describe('a file', () => {
  test('is complete whenever its writer is killed, and the next write removes temporary files', async () => {
    const path = join(folder, 'w.safetensors')
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, [...tsx, writerForEver(path)], { stdio: ['ignore', 'pipe', 'inherit'] })
      await new Promise((resolve) => child.stdout.once('data', resolve))
      await new Promise((resolve) => setTimeout(resolve, 7 + 13 * round))
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      const { data } = must((await readSafetensors(path)).get('w'))
      expect(data.length).toBe(1 << 20)
      expect(data.every((x) => x === data[0])).toBe(true)
    }
    await writeSafetensors(path, new Map([['w', { shape: [1], data: Float32Array.of(5) }]]))
    expect(readdirSync(folder)).toEqual(['w.safetensors'])
  })

  test.skipIf(process.platform === 'win32')(
    'that does not fit on the disk leaves the earlier one unchanged',
    async () => {
      const path = join(folder, 'w.safetensors')
      await writeSafetensors(path, new Map([['w', { shape: [1], data: Float32Array.of(7) }]]))
      const before = readFileSync(path)
      // A file-size limit simulates a full disk without privileges: the kernel refuses the write in the same way.
      const run = () =>
        execFileSync('bash', ['-c', `ulimit -f 256; exec "$0" "$@"`, process.execPath, ...tsx, writerForEver(path)], {
          stdio: 'pipe',
        })
      expect(run).toThrow('was not written and its earlier content is unchanged')
      expect(readFileSync(path).equals(before)).toBe(true)
      await writeSafetensors(path, new Map([['w', { shape: [1], data: Float32Array.of(8) }]]))
      expect(readdirSync(folder)).toEqual(['w.safetensors'])
    },
  )

  test('that fails in the middle leaves nothing behind, and the error says what is kept', async () => {
    const path = join(folder, 'a')
    writeFileSync(path, 'old')
    const failing = writeFileAtomically(path, async (file) => {
      await file.write('half')
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })
    await expect(failing).rejects.toThrow('disk is full')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  test('written by two processes at once has the content of one of them', async () => {
    const path = join(folder, 'a')
    const writes = ['x', 'y', 'z'].map((letter) =>
      writeFileAtomically(path, async (file) => void (await file.write(letter.repeat(100_000)))),
    )
    await Promise.all(writes)
    expect(readFileSync(path, 'utf8')).toMatch(/^(x{100000}|y{100000}|z{100000})$/)
    expect(readdirSync(folder)).toEqual(['a'])
  })
})

describe('a folder', () => {
  const fill = (text: string) => async (partial: string) => writeFileSync(join(partial, 'f'), text)

  test('appears complete, is overwritten only on request, and then is replaced completely', async () => {
    const path = join(folder, 'deep', 'model')
    await writeFolderAtomically(path, fill('1'))
    await expect(writeFolderAtomically(path, fill('2'))).rejects.toThrow('replace: true')
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('1')
    await writeFolderAtomically(path, fill('2'), { replace: true })
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('2')
    expect(readdirSync(join(folder, 'deep'))).toEqual(['model'])
  })

  test('whose filling fails leaves the earlier one', async () => {
    const path = join(folder, 'model')
    await writeFolderAtomically(path, fill('1'))
    const failing = writeFolderAtomically(
      path,
      async (partial) => {
        writeFileSync(join(partial, 'f'), '2')
        throw new Error('cannot go on')
      },
      { replace: true },
    )
    await expect(failing).rejects.toThrow('cannot go on')
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('1')
    expect(readdirSync(folder)).toEqual(['model'])
  })

  test('is restored after a crash between moving it away and moving the new one in place', async () => {
    const path = join(folder, 'model')
    await writeFolderAtomically(path, fill('1'))
    await rename(path, join(folder, '.model.previous'))
    await recoverFolder(path)
    expect(readFileSync(join(path, 'f'), 'utf8')).toBe('1')
    mkdirSync(join(folder, '.model.previous'))
    await writeFolderAtomically(path, fill('2'), { replace: true })
    expect(existsSync(join(folder, '.model.previous'))).toBe(false)
  })
})
