import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatanet, graphql } from '#client/index.ts'
import { type ClientSystem, clientSystem } from '#client/test/clientSystem.ts'
import { judgeableRound } from '#client/test/judgeableRound.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { ALICE as ALICE_ACCOUNT, HOST, OPERATOR } from '#contracts/test/world.ts'
import { RELAY_LIMITS } from '#test/relayingSystem.ts'
import { keyOf, modelcommons } from '../test/program.ts'

/** What goes wrong between a person and the system: each ends the program with 1, changes nothing, and tells what happened and what to do. */

const [ALICE, BOB] = [4, 5]

interface Place {
  system: ClientSystem
  folder: string
  /** Of a mandate that was voted and executed. */
  proposal: string
  /** A comparison whose commit phase is over: Alice committed to nothing. */
  task: string
  /** Answers as the node of another chain does. */
  otherNode: string
  /** Answers with a page. */
  webServer: string
}

let place: Place
const stops: (() => Promise<void>)[] = []
const atEnd = (stop: () => Promise<void>) => void stops.unshift(stop)

/** A server that answers everything alike. */
async function server(type: string, body: string): Promise<string> {
  const one = createServer((_, response) => response.writeHead(200, { 'content-type': type }).end(body))
  await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
  atEnd(async () => void one.close())
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`
}

const PROPOSALS = graphql('{ proposals(first: 1) { nodes { id } } }')

const judgement = (task: string) =>
  `${JSON.stringify({ task, choice: 'first', ethics: 90, logic: 80, functional: 70, confidence: 60 })}\n`

beforeAll(async () => {
  const system = await clientSystem(atEnd, { relay: RELAY_LIMITS })
  const { folder, world, modelId, as } = system
  await createDatanet(await as(ALICE), { modelId, licence: 'CC0-1.0', minStake: 0n })
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://x.example', 1000n, 2000n])
  const task = String(await judgeableRound(system, ALICE))
  await writeFile(join(folder, 'late.jsonl'), judgement(task))
  await writeFile(join(folder, 'unknown.jsonl'), judgement('999'))
  const leak = { prompt: 'who?', completion: 'jane.doe@acme-tools.io' }
  await writeFile(join(folder, 'leak.jsonl'), `{"prompt": "a", "completion": "b"}\n${JSON.stringify(leak)}\n`)
  await writeFile(join(folder, 'bad.jsonl'), '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\nnothing\n')
  await writeFile(join(folder, 'good.jsonl'), '{"prompt": "a", "completion": "b"}\n')
  await writeFile(join(folder, 'columns.csv'), 'question,answer\na,b\n')
  await world.warp(1001)
  const home = (name: string) => join(folder, name, 'accounts')
  for (const name of ['half-state', 'half-account']) await mkdir(home(name), { recursive: true })
  await writeFile(join(home('half-state'), 'acts.state'), '{"format":"modelcommons client state 1","values":{"act/0x1')
  await writeFile(join(home('half-account'), 'default.json'), '{\n  "version": 3,\n  "id": "')
  await modelcommons(['account', 'new'], { MODELCOMMONS_HOME: folder, MODELCOMMONS_PASSPHRASE: 'right' })
  const { proposals } = await (await as()).ask(PROPOSALS)
  place = {
    ...{ system, folder, task, proposal: proposals.nodes[0]?.id ?? '' },
    otherNode: await server('application/json', '{"jsonrpc":"2.0","id":1,"result":"0x2a"}'),
    webServer: await server('text/html', '<!doctype html>'),
  }
})

afterAll(async () => {
  for (const stop of stops) await stop()
})

interface Refusal {
  /** What happens before. */
  before?(place: Place): Promise<unknown>
  args(place: Place): string[]
  env?(place: Place): Record<string, string>
  says: RegExp
}

const anywhere =
  (...args: string[]) =>
  () =>
    args

const REFUSALS: Record<string, Refusal> = {
  'no account': {
    args: anywhere('wrap', '1'),
    env: ({ folder }) => ({ MODELCOMMONS_KEY: '', MODELCOMMONS_HOME: join(folder, 'nowhere') }),
    says: /^There is no account default here\. Make one with `modelcommons account new`/,
  },
  'the operator’s account without its key': {
    args: anywhere('wrap', '1', '--account', 'operator'),
    says: /^OPERATOR_KEY: --account operator acts with this key\. Set it, or name another account\.$/,
  },
  'an account with the name of the operator’s': {
    args: anywhere('account', 'new', '--account', 'operator'),
    says: /^operator names the account of OPERATOR_KEY\. Choose another name \(--account\)\.$/,
  },
  'a key that is none': {
    args: anywhere('wrap', '1'),
    env: () => ({ MODELCOMMONS_KEY: '0x1234' }),
    says: /^MODELCOMMONS_KEY: expected a private key: 0x and 64 hex digits$/,
  },
  'a wrong passphrase': {
    args: anywhere('wrap', '1'),
    env: () => ({ MODELCOMMONS_KEY: '', MODELCOMMONS_PASSPHRASE: 'wrong' }),
    says: /^The passphrase does not open .*default\.json\. Try again, or set MODELCOMMONS_PASSPHRASE\.$/,
  },
  'somebody else’s key': {
    args: anywhere('endpoint', 'price', '1', '--price-in', '1', '--price-out', '1'),
    says: /^InferenceMarket\.setPrice is refused: .*Use the host’s account\. \(NotHost: /,
  },
  'an account without tokens': {
    args: anywhere('wrap', '1'),
    env: () => ({ MODELCOMMONS_KEY: generatePrivateKey() }),
    says: /too few native tokens for the value and the gas of this transaction\. Send it some\.$/,
  },
  'an account without gOPEN': {
    args: anywhere('credit', 'deposit', '1', '5'),
    env: () => ({ MODELCOMMONS_KEY: keyOf(60) }),
    says: /has 0 gOPEN, and this takes 5\. Wrap at least 5/,
  },
  'a call without credit': {
    args: anywhere('call', '1', 'Where is it?'),
    says: /^This call may cost [\d.]+ gOPEN, and the credit with the endpoint lacks [\d.]+ gOPEN\. Deposit that much/m,
  },
  'a stake of somebody else': {
    args: anywhere('withdraw-stake', '1'),
    says: /^DatanetRegistry\.withdrawStake is refused: .*(Look at the list of contributions for its id|Use the contributor’s account)\./,
  },
  'a stake on an id that is none': {
    args: anywhere('withdraw-stake', 'all'),
    says: /Expected an id: a whole number\./,
  },
  'a vote that is over': {
    args: ({ proposal }) => ['vote', proposal, 'for'],
    says: /^ModelGovernor\.castVoteWithReason is refused: .*The proposal is in another state: votes count while it is Active, .*current Executed, expectedStates Active\)/,
  },
  'a proposal that does not exist': {
    args: anywhere('vote', '1', 'for'),
    says: /There is no such proposal\. Look at the list of proposals for its id/,
  },
  'a commit phase that is over': {
    args: ({ folder }) => ['judge', '--file', join(folder, 'late.jsonl')],
    says: /^Task \d+: Judgements of it were taken until 20\d\d-.*Z, \d+ (s|min) ago\.$/m,
  },
  'a comparison that does not exist': {
    args: ({ folder }) => ['judge', '--file', join(folder, 'unknown.jsonl')],
    says: /^Task 999: There is no such comparison, or it is settled\. `judge list` shows the open ones\.$/m,
  },
  'a node of another chain': {
    args: ({ otherNode }) => ['wrap', '1', '--node', otherNode],
    says: /^The node is on chain 42, but the contracts of this API are on chain 31337\. Name a node of chain 31337/,
  },
  'a node that does not answer': {
    args: anywhere('wrap', '1', '--node', 'http://127.0.0.1:9'),
    says: /^The node of the chain does not answer\. Is its address right, and is it running\?/,
  },
  'an API that is away': {
    args: anywhere('proposals', '--api', 'http://127.0.0.1:9'),
    says: /^trying again for 15 s: [^\n]+\nThe API at http:\/\/127\.0\.0\.1:9 does not answer\. Is the address right, and is it running\?/,
  },
  'another web server': {
    args: ({ webServer }) => ['proposals', '--api', webServer],
    says: /answers with status 200 and no JSON\. Is it the address of a ModelCommons API\?/,
  },
  'a state file that is half written': {
    args: anywhere('wrap', '1'),
    env: ({ folder }) => ({ MODELCOMMONS_HOME: join(folder, 'half-state') }),
    says: /^The state file .*acts\.state is damaged .* put back a copy of it\. Without a copy, move it away/,
  },
  'an account file that is half written': {
    args: anywhere('wrap', '1'),
    env: ({ folder }) => ({ MODELCOMMONS_KEY: '', MODELCOMMONS_HOME: join(folder, 'half-account') }),
    says: /default\.json is no account file of version 3 with scrypt\. Put back a copy of it, or import its key\./,
  },
  'samples that are none': {
    args: ({ folder }) => ['contribute', join(folder, 'bad.jsonl'), '--datanet', '1'],
    says: /bad\.jsonl:2: "completion" must be a string\.\n.*bad\.jsonl:3: Not JSON/,
  },
  'samples for a datanet that does not exist': {
    args: ({ folder }) => ['contribute', join(folder, 'good.jsonl'), '--datanet', '77'],
    says: /^There is no datanet 77\. Look at the list of datanets for its id\.$/m,
  },
  'samples in a file that is none': {
    args: anywhere('contribute', 'nowhere.jsonl', '--datanet', '1'),
    says: /^nowhere\.jsonl: is no file\. Name one of JSON Lines/m,
  },
  'samples in columns of other names': {
    args: ({ folder }) => ['contribute', join(folder, 'columns.csv'), '--datanet', '1'],
    says: /columns\.csv:1: The columns are "question", "answer"\. .*name yours with --columns/,
  },
  'samples with personal data': {
    args: ({ folder }) => ['contribute', join(folder, 'leak.jsonl'), '--datanet', '1', '--dry-run'],
    says: /leak\.jsonl:2: Holds personal data \(e-mail address\) in the completion, line 1\. Replace it/,
  },
  // The last one: the next block will have this time.
  'a signature whose deadline is over before a block is mined': {
    before: async ({ system: { world } }) => world.rpc('evm_setNextBlockTimestamp', [(await world.now()) + 2 * 86_400]),
    args: anywhere('delegate', ALICE_ACCOUNT.address, '--relay'),
    says: /^GOpen\.delegateBySig is refused: .*The signature’s deadline has passed\. Sign again\. \(VotesExpiredSignature: expiry 20\d\d-.*Z, in \d+ h\)$/m,
  },
}

test.each(Object.entries(REFUSALS))('%s', async (_, { before: prepare, args, env, says }) => {
  const { system, folder } = place
  await prepare?.(place)
  const { client } = system.world
  const before = await client.getBlockNumber({ cacheTime: 0 })
  const usual = { MODELCOMMONS_API: system.url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(BOB) }
  const { code, stderr } = await modelcommons(args(place), { ...usual, ...env?.(place) })
  expect(stderr.trim()).toMatch(says)
  expect(code).toBe(1)
  expect(stderr).not.toMatch(/\n\s+at |because: .*(revert|RPC)|jane|undefined|\[object/)
  expect(await client.getBlockNumber({ cacheTime: 0 })).toBe(before)
})
