import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

interface Locked {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  resolved?: string
}

const lock = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'))
const packages: Record<string, Locked> = lock.packages

/** The folders in which Node looks for a dependency of a package, the nearest first. */
function* lookupFolders(from: string, name: string) {
  for (let folder = from; folder; folder = folder.slice(0, folder.lastIndexOf('node_modules/')).replace(/\/$/, ''))
    yield `${folder}/node_modules/${name}`
  yield `node_modules/${name}`
}

test('the lock file has every dependency of each package, for every platform: npm ci refuses a lock file that has not', () => {
  const missing = Object.entries(packages).flatMap(([from, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => ![...lookupFolders(from, name)].some((folder) => folder in packages))
      .map((name) => `${name}, of ${from}`),
  )
  expect(missing).toEqual([])
})

test('the lock file names no registry, so that each installation uses its own', () => {
  expect(Object.entries(packages).flatMap(([name, { resolved }]) => (resolved ? [name] : []))).toEqual([])
})
