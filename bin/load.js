import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The sources are TypeScript, and there is no build step to forget: a program is bundled when it starts after a change of its sources.
 *  Sources that are loaded one by one, each through a hook that transforms it, take twice the time at every start of every process. */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache/modelcommons')
/** Packages of hundreds of files, bundled with what they import, and JSON, which Node imports under a condition. All others are left to Node. */
const BUNDLED = /^(viem|ox|abitype|@noble|@scure)\b|\.json$/
/** A program that runs loads parts of its bundle later. */
const KEEP_DAYS = 30

/** Loads a module of the sources and what it imports, as `load('cli/main.ts')`.
 *  Where the cache cannot be written (another account has installed the package), the sources are transformed as they load. */
export async function load(entry) {
  const bundle = await prepare(entry).catch(() => undefined)
  if (bundle) {
    process.setSourceMapsEnabled(true)
    return import(pathToFileURL(bundle).href)
  }
  const { register } = await import('tsx/esm/api')
  register({ tsconfig: join(ROOT, 'tsconfig.json') })
  return import(pathToFileURL(join(ROOT, entry)).href)
}

/** The path of the bundle of a module, which is made if a source has changed.
 *  @throws Error if a source cannot be bundled, or the cache cannot be written. */
export async function prepare(entry) {
  const folder = join(CACHE, entry.replaceAll(/[/.]/g, '-'))
  return upToDate(folder) ?? (await bundled(entry, folder))
}

function upToDate(folder) {
  try {
    const { root, bundle, sources } = JSON.parse(readFileSync(join(folder, 'bundle.json'), 'utf8'))
    return root === ROOT && sources.every(isUnchanged) && statSync(bundle).isFile() ? bundle : undefined
  } catch {
    return undefined // there is none, or a source is gone
  }
}

/** A copy of an image or a change of branches touches files that have the same text as before. */
const isUnchanged = ({ path, time, hash }) => timeOf(path) === time || hashOf(readFileSync(join(ROOT, path))) === hash

const timeOf = (path) => statSync(join(ROOT, path)).mtimeMs
const hashOf = (text) => createHash('sha256').update(text).digest('base64')

/** Bundles into a folder of its own, which counts once its record is in place: starts at the same time do not disturb each other. */
async function bundled(entry, folder) {
  const { build, stop } = await import('esbuild')
  mkdirSync(folder, { recursive: true })
  removeOld(folder)
  const outdir = mkdtempSync(join(folder, 'bundle-'))
  const sources = ['bin/load.js', 'package.json', 'tsconfig.json'].map((name) => readSource(join(ROOT, name)).source)
  await build({
    absWorkingDir: ROOT,
    entryPoints: { main: entry },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true, // entities are named after their classes
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [inPlace(sources)],
  }).finally(stop) // its process would live as long as this one
  const bundle = join(outdir, 'main.js')
  writeFileSync(`${outdir}.json`, JSON.stringify({ root: ROOT, bundle, sources }))
  renameSync(`${outdir}.json`, join(folder, 'bundle.json'))
  return bundle
}

/** What a bundle depends on, read after its time was: a change in between is noticed at the next start. */
function readSource(path) {
  const time = timeOf(relative(ROOT, path))
  const text = readFileSync(path, 'utf8')
  return { text, source: { path: relative(ROOT, path), time, hash: hashOf(text) } }
}

const isOwn = (path) => !/^\.\.|^node_modules/.test(relative(ROOT, path))

/** Notes the sources as they are read. They keep their places: what they read beside themselves is there. */
const inPlace = (sources) => ({
  name: 'in place',
  setup(build) {
    build.onResolve({ filter: /^[^.#/]/ }, ({ kind, path, importer }) => {
      const isLeftToNode = kind !== 'entry-point' && isOwn(importer) && !BUNDLED.test(path)
      return isLeftToNode ? { external: true } : undefined
    })
    build.onLoad({ filter: /\.(ts|js|json)$/ }, ({ path }) => {
      const { text, source } = readSource(path)
      sources.push(source)
      const place = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) }
      const contents = text.replaceAll(/\bimport\.meta\.(url|filename|dirname)\b/g, (_, name) =>
        JSON.stringify(place[name]),
      )
      return { contents, loader: /[^.]+$/.exec(path)[0] }
    })
  },
})

function removeOld(folder) {
  const oldest = Date.now() - KEEP_DAYS * 86_400_000
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.startsWith('bundle-') && statSync(path).mtimeMs < oldest) rmSync(path, { recursive: true })
  }
}
