import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { initFolder } from '../initFolder.ts'
import type { TemplateName } from '../templates.ts'

export const EXAMPLE_BASE = join(import.meta.dirname, '../../example/base/model')

/** A model folder of a template with the example's base model. */
export async function newFolder(template: TemplateName = 'classify') {
  const parent = await mkdtemp(join(tmpdir(), 'modelcommons-model-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  const path = join(parent, 'model')
  const now = new Date('2030-02-01')
  await initFolder(path, { template, base: EXAMPLE_BASE, licence: 'CC-BY-4.0', baseLicence: 'Apache-2.0', now })
  return {
    path,
    now,
    write: (file: string, content: string | Uint8Array) => writeFile(join(path, file), content),
    /** Replaces a part of a file; each must be there. */
    async edit(file: string, ...changes: [from: string, to: string][]) {
      let text = await readFile(join(path, file), 'utf8')
      for (const [from, to] of changes) {
        if (!text.includes(from)) throw new Error(`${file} has no ${from}.`)
        text = text.replace(from, to)
      }
      await writeFile(join(path, file), text)
    },
  }
}
