import type { BenchReport } from './report.ts'

/** `npm run bench -- NAME [--setup | --strict]`: runs `bench/NAME.ts`. The last line of output is a JSON object. `--setup` only installs the peers.
 *  `--strict` ends with 1 when a goal is missed. */
interface Bench {
  run(): Promise<BenchReport>
  /** Installs the peers under `bench/peers`. */
  setup?(): Promise<void>
}

const BENCHES: Record<string, string> = {
  answers: 'the first answers of lists, aggregates, totals, search and lineage over a million rows',
  attribute: 'one answer’s influences and its verbatim spans in ten million training tokens',
  gpu: 'LoRA fine-tuning on a GPU, compared with the CPU and with PyTorch + PEFT',
  graphql: 'lists, relations and the lineage, compared with other GraphQL servers and with hand-written SQL',
  index: 'indexing of votes and blocks, memory and reorganisations, compared with other indexers',
  infer: 'greedy generation on the CPU, compared with llama.cpp',
  queue: 'from a mutation to the start of its job, and jobs per second, compared with bare BullMQ',
  rewards: 'an epoch that pays a million accounts, compared with OpenZeppelin’s Merkle tree',
  train: 'LoRA fine-tuning on the CPU, compared with PyTorch + PEFT',
}

const [name = '', ...flags] = process.argv.slice(2)
const unknown = flags.find((flag) => flag !== '--setup' && flag !== '--strict')
if (!BENCHES[name] || unknown) {
  console.error(
    'Usage: npm run bench -- NAME [--setup | --strict]. --setup only installs the peers that are no dependencies; --strict ends with 1 when a goal is missed. NAME is one of',
  )
  for (const [each, about] of Object.entries(BENCHES)) console.error(`  ${each.padEnd(10)} ${about}`)
  process.exit(2)
}
let isMissed = false
const bench = (await import(`./${name}.ts`)) as Bench
if (flags.includes('--setup')) {
  if (bench.setup) await bench.setup()
  else console.log(`${name} needs no set-up: its peers are dependencies of the project.`)
} else {
  const { bench: title = name, ours, peers, ratios, limit, ...rest } = await bench.run()
  for (const [goal, { reached, target, ok }] of Object.entries(rest.goals ?? {})) {
    console.log(`${ok ? 'reached' : 'MISSED'}: ${goal}: ${reached}, target ${target}`)
    isMissed ||= !ok
  }
  console.log(JSON.stringify({ bench: title, ours, peers, ratios, limit, ...rest }))
}
process.exit(isMissed && flags.includes('--strict') ? 1 : 0)
