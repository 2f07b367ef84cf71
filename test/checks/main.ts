import { parseArgs } from 'node:util'
import { checkAudits } from './audits.ts'
import { checkSimulator } from './simulator.ts'

/** `npm run check -- NAME`: checks that take too long for the tests. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string' }, seed: { type: 'string', default: '1' }, bug: { type: 'string' } },
})

const checks: Record<string, () => Promise<boolean>> = {
  audits: checkAudits,
  simulator: () => checkSimulator(Number(values.seeds ?? 20), Number(values.seed), values.bug),
}

const check = checks[positionals[0] ?? '']
if (!check) {
  console.error(`Usage: npm run check -- ${Object.keys(checks).join('|')} [--seeds N] [--seed S] [--bug NAME]`)
  process.exit(2)
}
process.exit((await check()) ? 0 : 1)
