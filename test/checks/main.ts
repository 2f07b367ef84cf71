import { parseArgs } from 'node:util'
import { checkAttacks } from './attacks.ts'
import { checkAudits } from './audits.ts'
import { checkClients } from './clients.ts'
import { checkContracts } from './contracts.ts'
import { checkExports } from './exports.ts'
import { checkFaults } from './faults.ts'
import { checkInfluence } from './influence.ts'
import { checkJourneys } from './journeys.ts'
import { checkKill } from './kill.ts'
import { checkLifecycles } from './lifecycles.ts'
import { checkLines } from './lines.ts'
import { checkMcp } from './mcp.ts'
import { checkMutants } from './mutants.ts'
import { checkResponses } from './openResponses.ts'
import { checkReleases } from './releases.ts'
import { checkReplay } from './replay.ts'
import { checkSimulator } from './simulator.ts'
import { checkSteward } from './steward.ts'
import { checkStories } from './stories.ts'
import { checkUpgrade } from './upgrade.ts'

/** `npm run check -- NAME`: checks that take too long for the test suite. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    calls: { type: 'string' },
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    bug: { type: 'string' },
    from: { type: 'string' },
    only: { type: 'string' },
    dir: { type: 'string' },
    config: { type: 'string' },
    files: { type: 'string' },
    incremental: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

interface Check {
  about: string
  run(): Promise<boolean>
}

const checks: Record<string, Check> = {
  attacks: {
    about: 'what attackers gain with and without the rules (--seeds N, --only WORD|judgement|money, --json)',
    run: () => checkAttacks(Number(values.seeds ?? 1000), values.only, values.json),
  },
  audits: { about: 'the server audits of graphql-http, against the API', run: checkAudits },
  clients: {
    about:
      'the examples of docs/examples/ with the clients of others: OpenAI, AI SDK, LangChain.js, MCP (installs them apart)',
    run: checkClients,
  },
  contracts: {
    about:
      'Slither and invariants of the contracts; installs both apart, 180 MB (--only slither|invariants|bugs, --calls N, --seed S, --bug NAME)',
    run: () => checkContracts(values),
  },
  exports: {
    about:
      'the documents about a version, parsed by mlcroissant, openlineage-python, prov and huggingface_hub (installs them apart)',
    run: checkExports,
  },
  faults: {
    about: 'random faults of every server that the system uses (--seeds N, --seed S, --json)',
    run: () => checkFaults(Number(values.seeds ?? 5), Number(values.seed), values.json, values.only),
  },
  influence: {
    about: 'influences find mislabelled samples and predict retrainings (--seed S)',
    run: () => checkInfluence(Number(values.seed)),
  },
  journeys: {
    about: 'each person’s page of the documentation, command by command, from a proposal to claimed rewards (--json)',
    run: () => checkJourneys(values.json),
  },
  kill: {
    about:
      'kill -9 anywhere in random epochs of money, compared with an undisturbed system (--seeds N, --seed S, --json)',
    run: () => checkKill(Number(values.seeds ?? 50), Number(values.seed), values.json),
  },
  lifecycles: {
    about:
      'random lifecycles: the verifier in Python computes the same reward maps, the ledger is what the chain says (--seeds N, --seed S, --json)',
    run: () => checkLifecycles(Number(values.seeds ?? 200), Number(values.seed), values.json),
  },
  lines: {
    about:
      'the lines of code that a person writes for each act, and of the example’s story before the client and with it',
    run: checkLines,
  },
  mcp: {
    about:
      'the conformance suite of the Model Context Protocol, against what serves /mcp (installs it and Node 22 apart)',
    run: checkMcp,
  },
  mutants: {
    about: 'every small change of rules/ fails a test; installs Stryker apart, 64 MB (--files LIST, --incremental)',
    run: () => checkMutants(values.files, values.incremental),
  },
  releases: {
    about:
      'Governors of OpenZeppelin 4.4.2, 4.9.6 and 5.4.0 against the index: live, clean, through forks (installs them apart)',
    run: checkReleases,
  },
  responses: {
    about:
      'what /v1/responses answers, checked with the types of the Open Responses specification (installs them apart, Python)',
    run: checkResponses,
  },
  replay: {
    about: 'recorded events are indexed completely, through forks (--dir FOLDER, --config FILE)',
    run: () => checkReplay(values.dir ?? required('--dir: a folder of recorded events'), values.config),
  },
  simulator: {
    about: 'forks, wrong answers and kills, compared with a clean sync (--seeds N, --seed S, --bug NAME)',
    run: () => checkSimulator(Number(values.seeds ?? 20), Number(values.seed), values.bug),
  },
  steward: {
    about: 'people act, and two stewards on two workers do the rest, each step once; then an hour passes (--json)',
    run: () => checkSteward(values.json),
  },
  stories: {
    about:
      'the tests of whole systems that take minutes: starts, kills, sealed items, documented commands (--only WORD)',
    run: async () => checkStories(values.only),
  },
  upgrade: {
    about: 'the services of an earlier release and of this one, side by side (--from REF)',
    run: () => checkUpgrade(values.from),
  },
}

function required(option: string): never {
  console.error(`${option} is required`)
  process.exit(2)
}

const check = checks[positionals[0] ?? '']
if (!check || values.help) {
  console.error('Usage: npm run check -- NAME [options]. NAME is one of')
  for (const [name, { about }] of Object.entries(checks)) console.error(`  ${name.padEnd(10)} ${about}`)
  process.exit(values.help ? 0 : 2)
}
process.exit((await check.run()) ? 0 : 1)
