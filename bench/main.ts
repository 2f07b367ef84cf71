import { readdirSync } from 'node:fs'
import type { BenchReport } from './report.ts'

/** `npm run bench -- NAME [--setup]`: runs `bench/NAME.ts`. The last line is one JSON object. `--setup` installs the peers first. */
interface Bench {
  run(): Promise<BenchReport>
  /** Installs what the peers need, under `bench/peers`. */
  setup?(): Promise<void>
}

const [name, ...flags] = process.argv.slice(2)
const own = ['main.ts', 'report.ts']
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.includes('.test.') && !own.includes(file))
  .map((file) => file.slice(0, -3))
const unknown = flags.find((flag) => flag !== '--setup')
if (!name || !names.includes(name) || unknown) {
  console.error(`Usage: npm run bench -- NAME [--setup]. NAME: ${names.join(', ')}.`)
  process.exit(2)
}
const bench = (await import(`./${name}.ts`)) as Bench
if (flags.includes('--setup')) {
  if (bench.setup) await bench.setup()
  else console.log(`${name} needs no set-up: its peers come with the project.`)
} else {
  const { bench: title = name, ours, peers, ratios, limit, ...rest } = await bench.run()
  console.log(JSON.stringify({ bench: title, ours, peers, ratios, limit, ...rest }))
}
process.exit(0)
