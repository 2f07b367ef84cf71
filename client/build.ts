import { spawnSync } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds `modelcommons/client` for the package: JavaScript and types in `dist/`, because Node strips no types in `node_modules`.
 *  `npm run package` does; a `prepack` script would not run, because `.npmrc` sets `ignore-scripts`. */

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** Imports of our own modules, by path or by alias, in JavaScript and in types. */
const IMPORT = /(\bfrom |\bimport |\bimport\()(['"])(\.{1,2}\/|#)([^'"]+)\.(?:ts|js)\2/g

/** Writes the aliases of package.json's `imports` as relative paths, and the extension of the built files. */
const rewritten = (file: string, text: string): string =>
  text.replace(IMPORT, (_, keyword, quote, start, path) => {
    const target = start === '#' ? relative(dirname(file), join(dist, path)) : `${start}${path}`
    return `${keyword}${quote}${target.startsWith('.') ? target : `./${target}`}.js${quote}`
  })

await rm(dist, { recursive: true, force: true })
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', join(root, 'client/tsconfig.build.json')], {
  encoding: 'utf8',
})
if (status !== 0) throw new Error(stdout)
for (const name of await readdir(dist, { recursive: true })) {
  const file = join(dist, name)
  if (/\.(js|d\.ts)$/.test(name)) await writeFile(file, rewritten(file, await readFile(file, 'utf8')))
}
