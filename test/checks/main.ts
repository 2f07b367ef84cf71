import { parseArgs } from 'node:util'
import { checkAudits } from './audits.ts'
import { checkFaults } from './faults.ts'
import { checkInfluence } from './influence.ts'
import { checkMutants } from './mutants.ts'
import { checkReplay } from './replay.ts'
import { checkSimulator } from './simulator.ts'
import { checkUpgrade } from './upgrade.ts'

/** `npm run check -- NAME`: checks that take too long for the test suite. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    bug: { type: 'string' },
    from: { type: 'string' },
    dir: { type: 'string' },
    config: { type: 'string' },
    files: { type: 'string' },
    incremental: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const checks: Record<string, () => Promise<boolean>> = {
  audits: checkAudits,
  faults: () => checkFaults(Number(values.seeds ?? 5), Number(values.seed), values.json),
  influence: () => checkInfluence(Number(values.seed)),
  mutants: () => checkMutants(values.files, values.incremental),
  replay: () => checkReplay(values.dir ?? required('--dir: a folder of recorded events'), values.config),
  simulator: () => checkSimulator(Number(values.seeds ?? 20), Number(values.seed), values.bug),
  upgrade: () => checkUpgrade(values.from),
}

function required(option: string): never {
  console.error(`${option} is required`)
  process.exit(2)
}

const check = checks[positionals[0] ?? '']
if (!check) {
  console.error(
    `Usage: npm run check -- ${Object.keys(checks).join('|')} [--seeds N] [--seed S] [--bug NAME] [--from REF] [--dir FOLDER] [--config FILE] [--files LIST] [--incremental] [--json]`,
  )
  process.exit(2)
}
process.exit((await check()) ? 0 : 1)
