import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, formatEther, parseEther, toHex } from 'viem'
import { rpc } from '#contracts/anvil.ts'
import { type PageRun, type PageStep, pageSteps, readPage, runSteps, type StepHooks } from '#test/docsPage.ts'
import { writeInnBase } from './base.ts'
import type { WaitingClock } from './clock.ts'
import { DESKS, drawLetters, type Letter } from './domain.ts'
import type { Figures } from './figures.ts'
import { printed } from './printed.ts'
import type { JourneySystem } from './system.ts'

/** The people, each with a page of the documentation, a fresh key and a folder. They meet in what they know of each other: ids. */

export interface Meeting extends JourneySystem {
  clock: WaitingClock
  figures: Figures
  signal: AbortSignal
  ask<T>(query: string): Promise<T>
  /** What becomes known: PROPOSAL, MODEL, DATANET, VERSION, ENDPOINT, EPOCH. */
  known: Record<string, string>
  /** Accounts that have locked gOPEN, and may vote. */
  voters: Set<string>
  onStep(person: string, step: PageStep, seconds: number): void
}

export interface Walker {
  name: string
  page: string
  run(meeting: Meeting): Promise<void>
}

const SEED = 1
/** Streams of letters. No letter of the gold pool is like one that is given: `model check` would refuse it. */
const [GIVEN, MORE, JUDGED, GOLD] = [1, 2, 3, 26]
const jsonLines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** Waits until an id is known to somebody. */
const known = ({ clock, known: names }: Meeting, name: string) => clock.until(name, async () => names[name])

/** Runs a person's page in its own folder, with its own names. */
async function walk(
  meeting: Meeting,
  { name, page }: Pick<Walker, 'name' | 'page'>,
  {
    cwd,
    env,
    until,
    ...hooks
  }: Pick<PageRun, 'before'> & {
    after?: StepHooks
    cwd: string
    env?: Record<string, string>
    until?: string
  },
): Promise<void> {
  const { clock, system, known: names, signal } = meeting
  const own = Object.create(names) as Record<string, string> // ADDRESS is each person's own; ids are everybody's
  const after: StepHooks = {
    ...hooks.after,
    'account new': async (address) => {
      own.ADDRESS = address
      await rpc(system.rpcUrl, 'anvil_setBalance', [address, toHex(parseEther('10000'))])
      await hooks.after?.['account new']?.(address)
    },
    'account balance': (line) => meeting.figures.balance(name, own.ADDRESS as Address, line),
  }
  const compare = printed({ name, figures: meeting.figures, names: own, cwd })
  await runSteps(pageSteps(await readPage(page), until), {
    ...{ cwd, api: system.url, names: own, signal, before: hooks.before, after: [after, compare] },
    env: {
      ...{ MODELCOMMONS_API: system.url, MODELCOMMONS_HOME: cwd },
      ...{ MODELCOMMONS_PASSPHRASE: 'an owl in the attic', ...env },
    },
    around: (work) => clock.during(work),
    onStep: (step, seconds) => meeting.onStep(name, step, seconds),
  })
}

const stateOf = async ({ ask, known: { PROPOSAL } }: Meeting) =>
  (await ask<{ proposal: { state: string } | null }>(`{ proposal(id: "${PROPOSAL}") { state } }`)).proposal?.state

const isIn = (meeting: Meeting, ...states: string[]) =>
  meeting.clock.until(`the proposal is ${states[0]}`, async () => states.includes((await stateOf(meeting)) ?? ''))

/** The timelock's delay is over. */
const mayExecute = async (meeting: Meeting) => {
  await isIn(meeting, 'Queued', 'Executed')
  const eta = (await meeting.figures.read('ModelGovernor', 'proposalEta', [
    BigInt(meeting.known.PROPOSAL ?? 0),
  ])) as bigint
  await meeting.clock.until('the delay of the timelock', async () => (await meeting.figures.now()) >= eta)
}

/** Every reward of the first epoch may be claimed. */
const mayClaim = ({ clock, figures, known: names }: Meeting) =>
  clock.until('the first reward map is final', async () => {
    const epoch = (await figures.read('RewardDistributor', 'newestFinal')) as bigint
    if (epoch > 0n) names.EPOCH = String(epoch)
    return epoch > 0n
  })

/** What was claimed, compared with the contract and with what the reasons told. */
function claims({ figures }: Meeting, name: string) {
  let told = '0'
  let account: Address = '0x'
  const told_ = (text: string) => {
    account = (/0x[0-9a-fA-F]{40}/.exec(text)?.[0] ?? '0x') as Address
    const cumulative = /with all epochs before, ([\d.]+) gOPEN/.exec(text)?.[1] ?? '0'
    told = String(parseEther(cumulative))
  }
  return {
    'rewards why': told_,
    claim: async (line: string) => {
      const paid = line.startsWith('There is nothing to claim.') ? '0' : /wei (\d+)/.exec(line)?.[1]
      figures.same(`${name}: claimed and told`, paid, told)
      if (account !== '0x')
        figures.same(`${name}: claimed`, told, await figures.read('RewardDistributor', 'claimed', [account]))
    },
  }
}

const proposer: Walker = {
  name: 'proposer',
  page: 'your-own-model.md',
  async run(meeting) {
    const { clock, known: names, voters, figures } = meeting
    let account = ''
    const cwd = await meeting.homeOf('proposer')
    await writeInnBase(join(cwd, 'tiny-llama'))
    await writeFile(join(cwd, 'samples.jsonl'), jsonLines(drawLetters(SEED, GIVEN, 400)))
    await walk(meeting, proposer, {
      cwd,
      before: {
        'model propose parcels': () => clock.until('the governor has votes', async () => voters.size > 0),
        'vote PROPOSAL': () => isIn(meeting, 'Active'),
        'queue PROPOSAL': () => isIn(meeting, 'Succeeded', 'Queued', 'Executed'),
        'execute PROPOSAL': () => mayExecute(meeting),
        'endpoint list': () => known(meeting, 'ENDPOINT'),
        'rewards why': () => mayClaim(meeting),
      },
      after: {
        'model init': () => fillIn(join(cwd, 'parcels')),
        'model status': (output) => {
          names.PROPOSAL ??= /^proposal (\d+)/m.exec(output)?.[1] ?? ''
          names.MODEL ??= /^model (\d+)/m.exec(output)?.[1] ?? ''
        },
        'datanet create': async (output) => {
          names.DATANET = /datanet (\d+)/.exec(output)?.[1] ?? ''
          figures.same('the datanet’s id', names.DATANET, await figures.read('DatanetRegistry', 'datanetCount'))
        },
        'account new': (address) => {
          account = address
        },
        contribute: async (output) =>
          figures.same(
            'samples of the proposer',
            /submitted (\d+)/.exec(output)?.[1],
            await figures.contributionsOf(account as Address),
          ),
        'receipt verify': async () => {
          const { receipt } = JSON.parse(await readFile(join(cwd, 'answer.json'), 'utf8'))
          names.PROPOSERS_CHANNEL = receipt.channelId
        },
        ...claims(meeting, 'proposer'),
      },
    })
  },
}

/** What the page tells a proposer to say: what the model is for, and what validators judge. */
async function fillIn(folder: string): Promise<void> {
  const yaml = join(folder, 'model.yaml')
  const text = await readFile(yaml, 'utf8')
  const purpose = 'purpose: Tells for which desk of a mountain inn a guest’s letter is.'
  const judge =
    '  judge:\n    validators: 3\n    settings: { domain: inn, tasks: 12, seats: 3, goldPercent: 25, temperature: 1, commitSeconds: 1800, revealSeconds: 1800, potWei: "0" }\n'
  await writeFile(
    yaml,
    text
      .replace(/^purpose: .*$/m, purpose)
      .replace(/minimum: 0\.5/, 'minimum: 0.3')
      .replace(/^policy:\n/m, `policy:\n${judge}`),
  )
  await mkdir(join(folder, 'judging'))
  const gold = drawLetters(SEED, GOLD, 24)
  const prompts = [...gold, ...drawLetters(SEED, JUDGED, 48)].map(({ prompt }) => ({ prompt }))
  await writeFile(join(folder, 'judging/prompts.jsonl'), jsonLines(prompts))
  await writeFile(join(folder, 'judging/gold.jsonl'), jsonLines(gold))
  await writeFile(join(folder, 'judging/salt'), `0x${'5eac0ffee1234679'.repeat(4)}\n`)
}

const governor: Walker = {
  name: 'governor',
  page: 'for-governors.md',
  async run(meeting) {
    const { figures, voters } = meeting
    await walk(meeting, governor, {
      cwd: await meeting.homeOf('governor'),
      before: {
        proposals: () => known(meeting, 'PROPOSAL'),
        'vote PROPOSAL': () => isIn(meeting, 'Active'),
        'queue PROPOSAL': () => isIn(meeting, 'Queued', 'Executed'), // the proposer was first
        'execute PROPOSAL': () => mayExecute(meeting),
        stake: () => isIn(meeting, 'Executed'),
      },
      after: {
        delegate: () => voters.add('governor'),
        '{ proposal(': async (output) => {
          const { proposal } = JSON.parse(output)
          const votes = (await figures.read('ModelGovernor', 'proposalVotes', [
            BigInt(meeting.known.PROPOSAL ?? 0),
          ])) as bigint[]
          figures.same('votes against', proposal.againstVotes, votes[0])
          figures.same('votes for', proposal.forVotes, votes[1])
        },
      },
    })
  },
}

const contributor: Walker = {
  name: 'contributor',
  page: 'for-contributors.md',
  async run(meeting) {
    const { clock, ask, figures, known: names } = meeting
    const cwd = await meeting.homeOf('contributor')
    await writeFile(join(cwd, 'samples.jsonl'), jsonLines(drawLetters(SEED, MORE, 60)))
    await walk(meeting, contributor, {
      cwd,
      before: {
        'datanet list': () => known(meeting, 'DATANET'),
        contributions: () =>
          clock.until('all samples are scored', async () => {
            const query = `{ contributions(where: { datanetId: { eq: "${names.DATANET}" }, status: { eq: Submitted } }) { totalCount } }`
            return (await ask<{ contributions: { totalCount: number } }>(query)).contributions.totalCount === 0
          }),
        'rewards why': () => mayClaim(meeting),
      },
      after: {
        '{ contributions(': async (output) => {
          for (const { id, stake } of JSON.parse(output).contributions.nodes)
            figures.same(
              `stake of contribution ${id}`,
              stake,
              await figures.read('DatanetRegistry', 'stakeOf', [BigInt(id)]),
            )
        },
        ...claims(meeting, 'contributor'),
      },
    })
  },
}

/** The answers that fit, as a careful reader of letters finds them. */
function judgementsOf(listed: string): object[] {
  const letters = new Map<string, Letter>(
    [...drawLetters(SEED, GOLD, 24), ...drawLetters(SEED, JUDGED, 48)].map((letter) => [letter.prompt, letter]),
  )
  return [...listed.matchAll(/^task (\d+) .*? answers (\[.*\]) {2}prompt (.*)$/gm)].map(
    ([, task, json = '', prompt = '']) => {
      const answers = JSON.parse(json) as string[]
      const desk = letters.get(prompt)?.completion ?? DESKS[0]
      const [first, second] = answers.map((answer) => answer === desk)
      const choice = first === second ? 'tie' : first ? 'first' : 'second'
      return { task, choice, ethics: 80, logic: 80, functional: 80, confidence: choice === 'tie' ? 60 : 95 }
    },
  )
}

const validator = (nth: number): Walker => {
  const self = { name: `validator ${nth}`, page: 'for-validators.md' }
  return {
    ...self,
    async run(meeting) {
      const { clock, ask, figures } = meeting
      const cwd = await meeting.homeOf(self.name.replace(' ', ''))
      let address = ''
      let given = 0
      const closed = (phase: 'commitDeadline' | 'revealDeadline') =>
        clock.until(phase, async () => {
          const query = `{ feedbackTasks(first: 1) { nodes { ${phase} } } }`
          const [task] = (await ask<{ feedbackTasks: { nodes: Record<string, string>[] } }>(query)).feedbackTasks.nodes
          return task && (await figures.now()) * 1000n > BigInt(Date.parse(task[phase] ?? ''))
        })
      await walk(meeting, self, {
        cwd,
        before: {
          'judge list': () =>
            clock.until('seats are drawn', async () => {
              const query = '{ feedbackRounds(first: 1) { nodes { seed } } }'
              return (await ask<{ feedbackRounds: { nodes: { seed: string | null }[] } }>(query)).feedbackRounds
                .nodes[0]?.seed
            }),
          'judge --file': async () => {
            if (given++ > 0) await closed('commitDeadline')
          },
          '{ validatorRounds': () =>
            clock.until('the round is settled', async () => {
              const query = `{ validatorRounds(validator: "${address}") { roundId } }`
              return (await ask<{ validatorRounds: unknown[] }>(query)).validatorRounds.length > 0
            }),
          'rewards why': () => mayClaim(meeting),
        },
        after: {
          'account new': (output) => {
            address = output
          },
          'judge stake': async () =>
            figures.same(
              `${self.name}: stake`,
              parseEther('10'),
              await figures.read('FeedbackPool', 'stakeOf', [address]),
            ),
          'judge list': async (output) => {
            const judgements = judgementsOf(output)
            if (judgements.length === 0) throw new Error(`${self.name} has no comparison to judge: ${output}`)
            await writeFile(join(cwd, 'judgements.jsonl'), jsonLines(judgements))
          },
          ...claims(meeting, self.name),
        },
      })
    },
  }
}

const operator: Walker = {
  name: 'operator',
  page: 'for-operators.md',
  async run(meeting) {
    const { clock, ask, figures, known: names, env } = meeting
    await walk(meeting, operator, {
      cwd: await meeting.homeOf('operator'),
      env,
      until: '## When something is wrong',
      before: {
        'steward --explain': () => known(meeting, 'DATANET'),
        'endpoint open': () =>
          clock.until('a version is live', async () => {
            const query = `{ model(id: "${names.MODEL}") { liveVersionId } }`
            names.VERSION = (await ask<{ model: { liveVersionId: string | null } }>(query)).model.liveVersionId ?? ''
            return names.VERSION
          }),
        'endpoint settle': async () => {
          for (const channel of ['CHANNEL', 'PROPOSERS_CHANNEL']) await known(meeting, channel)
        },
      },
      after: {
        'endpoint open': async (output) => {
          const endpoint = /endpoint (\d+)/.exec(output)?.[1] ?? ''
          figures.same('the endpoint’s id', endpoint, await figures.read('InferenceMarket', 'endpointCount'))
          names.ENDPOINT = endpoint
        },
        'endpoint settle': async (output) => {
          const channels = [names.CHANNEL, names.PROPOSERS_CHANNEL]
          const redeemed = await Promise.all(
            channels.map(
              async (id) => ((await figures.read('InferenceMarket', 'channels', [id])) as bigint[])[1] ?? 0n,
            ),
          )
          figures.same(
            'redeemed',
            /^([\d.]+) gOPEN were redeemed/m.exec(output)?.[1],
            formatEther(redeemed.reduce((sum, amount) => sum + amount, 0n)),
          )
          names.SETTLED = 'yes'
        },
      },
    })
  },
}

const integrator: Walker = {
  name: 'integrator',
  page: 'for-integrators.md',
  async run(meeting) {
    const { clock, figures, known: names } = meeting
    const cwd = await meeting.homeOf('integrator')
    let available = 0n
    await walk(meeting, integrator, {
      cwd,
      before: {
        'endpoint list': () => known(meeting, 'ENDPOINT'),
        'credit request': () => known(meeting, 'SETTLED'),
        'credit withdraw': () => clock.until('the withdrawal’s delay', async () => (await figures.now()) > available),
      },
      after: {
        'receipt verify': async () => {
          const { receipt } = JSON.parse(await readFile(join(cwd, 'answer.json'), 'utf8'))
          names.CHANNEL = receipt.channelId
          names.OWED = receipt.cumulative
          const [balance] = (await figures.read('InferenceMarket', 'channels', [receipt.channelId])) as bigint[]
          figures.same('the credit', parseEther('2'), balance)
        },
        'credit request': async (output) => {
          available = BigInt(Date.parse(/availableAt ([^\s,]+)/.exec(output)?.[1] ?? '') / 1000)
          const channel = (await figures.read('InferenceMarket', 'channels', [names.CHANNEL])) as bigint[]
          figures.same('what is owed', names.OWED, channel[1])
        },
        'credit withdraw': (output) => figures.same('what came back', /wei (\d+)/.exec(output)?.[1], parseEther('1')),
      },
    })
  },
}

const analyst: Walker = {
  name: 'analyst',
  page: 'for-analysts.md',
  async run(meeting) {
    const { ask, figures, known: names, env } = meeting
    await mayClaim(meeting)
    const query = `{ rewardLines(where: { mapId: { eq: "${names.EPOCH}" } }, first: 100, orderBy: [{ field: amount, direction: desc }]) { nodes { account source } } }`
    const { rewardLines } = await ask<{ rewardLines: { nodes: { account: string; source: string }[] } }>(query)
    const [kind, id] =
      rewardLines.nodes.map(({ source }) => source.split(':')).find(([of]) => of === 'contribution') ?? []
    names.ACCOUNT = rewardLines.nodes[0]?.account ?? ''
    names.CONTRIBUTION = kind ? (id ?? '') : ''
    await walk(meeting, analyst, {
      cwd: await meeting.homeOf('analyst'),
      env,
      after: {
        '{ rewardMaps': async (output) => {
          const [map] = JSON.parse(output).rewardMaps.nodes
          figures.same('funded', map.funded, await figures.read('RewardDistributor', 'funded', [BigInt(map.epoch)]))
          figures.same('the root', map.root, await figures.read('RewardDistributor', 'rootOf', [BigInt(map.epoch)]))
        },
      },
    })
  },
}

export const WALKERS: readonly Walker[] = [
  ...[proposer, governor, contributor, validator(1), validator(2), validator(3)],
  ...[operator, integrator, analyst],
]
