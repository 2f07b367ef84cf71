import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'

/** One exported name has one meaning in the whole repository.
 *  This test reads every module and fails on a name that two modules define. A re-export (`export { x } from`) is not a definition.
 *  To fix a failure, rename one of the two with the word that its field uses. If both must keep the name, add an exception
 *  with a reason. An exception that is no longer needed fails too: delete its line in the commit that renames the last duplicate. */
const EXCEPTIONS: Record<string, string> = {
  run: 'the module interface of a benchmark (bench/*.ts)',
  setup: 'the module interface of a benchmark (bench/*.ts)',
}

const root = resolve(import.meta.dirname, '..')

async function modules(folder = ''): Promise<string[]> {
  const files: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      const generated = entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist'
      if (!generated) files.push(...(await modules(path)))
    } else if (/\.tsx?$/.test(path) && !path.endsWith('.d.ts')) files.push(path)
  }
  return files
}

/** Names that a module both declares and exports. */
function definitions(file: string, text: string): Set<string> {
  const { program, errors } = parseSync(file, text)
  if (errors.length) throw new Error(`${file}: ${errors[0]?.message}`)
  const names = new Set<string>()
  for (const statement of program.body) {
    if (statement.type !== 'ExportNamedDeclaration' || !statement.declaration) continue
    const { declaration } = statement
    if (declaration.type === 'VariableDeclaration') {
      for (const { id } of declaration.declarations)
        if (id.type === 'Identifier') names.add(id.name)
        else if (id.type === 'ArrayPattern')
          for (const element of id.elements) if (element?.type === 'Identifier') names.add(element.name)
    } else if (declaration.id?.type === 'Identifier') names.add(declaration.id.name)
  }
  return names
}

async function duplicates(): Promise<Map<string, string[]>> {
  const definedIn = new Map<string, string[]>()
  for (const file of await modules())
    for (const name of definitions(file, await readFile(join(root, file), 'utf8')))
      definedIn.set(name, [...(definedIn.get(name) ?? []), file])
  return new Map([...definedIn].filter(([, files]) => files.length > 1))
}

test('no two modules define the same exported name', async () => {
  const found = await duplicates()
  const unexplained = [...found].filter(([name]) => !Object.hasOwn(EXCEPTIONS, name))
  const unneeded = Object.keys(EXCEPTIONS).filter((name) => !found.has(name))
  expect(unexplained.map(([name, files]) => `${name}: ${files.join(', ')}`)).toEqual([])
  expect(unneeded).toEqual([])
})

test('definitions are read in every form, and re-exports are not definitions', () => {
  const text = `
    export const a = 1, b = 2
    export const [i, j] = [1, 2]
    export async function c() {}
    export abstract class D {}
    @decorated export class E {}
    export type F = string
    export interface G {}
    export enum H { one }
    export { other } from './other.ts'
    export * from './more.ts'
    export default function unnamed() {}
    const hidden = 1`
  expect([...definitions('x.ts', text)]).toEqual(['a', 'b', 'i', 'j', 'c', 'D', 'E', 'F', 'G', 'H'])
})
