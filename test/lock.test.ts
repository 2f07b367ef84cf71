import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

interface Locked {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  resolved?: string
}

const lock = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'))
const packages: Record<string, Locked> = lock.packages

/** The folders in which Node looks for a package's dependency, the nearest first. */
function* seen(from: string, name: string) {
  for (let folder = from; folder; folder = folder.slice(0, folder.lastIndexOf('node_modules/')).replace(/\/$/, ''))
    yield `${folder}/node_modules/${name}`
  yield `node_modules/${name}`
}

test('the lock names whatever a package depends on, for every platform: npm ci refuses one that does not', () => {
  const missing = Object.entries(packages).flatMap(([from, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => ![...seen(from, name)].some((folder) => folder in packages))
      .map((name) => `${name}, of ${from}`),
  )
  expect(missing).toEqual([])
})

test('the lock names no registry: the one of whoever installs answers', () => {
  expect(Object.entries(packages).flatMap(([name, { resolved }]) => (resolved ? [name] : []))).toEqual([])
})
