import { readdirSync } from 'node:fs'
import type { BenchReport } from './report.ts'

/** `npm run bench -- NAME [--setup]`: runs `bench/NAME.ts`. The last line of output is a JSON object. `--setup` only installs the peers. */
interface Bench {
  run(): Promise<BenchReport>
  /** Installs the peers under `bench/peers`. */
  setup?(): Promise<void>
}

const [name, ...flags] = process.argv.slice(2)
const notBenchmarks = ['main.ts', 'report.ts']
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.includes('.test.') && !notBenchmarks.includes(file))
  .map((file) => file.slice(0, -3))
const unknown = flags.find((flag) => flag !== '--setup')
if (!name || !names.includes(name) || unknown) {
  console.error(`Usage: npm run bench -- NAME [--setup]. NAME: ${names.join(', ')}.`)
  process.exit(2)
}
const bench = (await import(`./${name}.ts`)) as Bench
if (flags.includes('--setup')) {
  if (bench.setup) await bench.setup()
  else console.log(`${name} needs no set-up: its peers are dependencies of the project.`)
} else {
  const { bench: title = name, ours, peers, ratios, limit, ...rest } = await bench.run()
  console.log(JSON.stringify({ bench: title, ours, peers, ratios, limit, ...rest }))
}
process.exit(0)
