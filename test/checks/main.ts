import { parseArgs } from 'node:util'
import { checkSimulator } from './simulator.ts'

/** `npm run check -- NAME`: checks that take too long for the tests. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '20' }, from: { type: 'string', default: '1' } },
})

const checks: Record<string, () => Promise<boolean>> = {
  simulator: () => checkSimulator(Number(values.seeds), Number(values.from)),
}

const check = checks[positionals[0] ?? '']
if (!check) {
  console.error(`Usage: npm run check -- ${Object.keys(checks).join('|')} [--seeds N] [--from SEED]`)
  process.exit(2)
}
process.exit((await check()) ? 0 : 1)
