import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, formatEther, getAddress, parseEther } from 'viem'
import type { StepHooks } from '#test/docsPage.ts'
import type { Figures } from './figures.ts'

/** What each command and query of the pages prints, compared with the contracts: by the beginning of the step. */

interface Person {
  name: string
  figures: Figures
  /** What the words in capitals stand for. */
  names: Record<string, string>
  cwd: string
}

// biome-ignore lint/suspicious/noExplicitAny: what a query answers, and what a contract returns
type Json = any

/** Of a line as `key value  key value`. */
const fieldsOf = (line: string): Record<string, string> =>
  Object.fromEntries(
    line.split(/ {2}(?=\w+ )/).map((part) => {
      const [key = '', ...value] = part.split(' ')
      return [key, value.join(' ')]
    }),
  )
const linesOf = (output: string) => output.split('\n').map(fieldsOf)
/** An amount as the program prints it. */
const gOpen = (wei: Json) => `${formatEther(BigInt(wei))} gOPEN`
const moment = (seconds: Json) => new Date(Number(seconds) * 1000).toISOString()
/** A moment that the program prints, without its distance from the chain's time. */
const printedMoment = (text: string | undefined) => text?.split(', ')[0]
/** The status of an index, by the number of the contract. */
const VERDICTS = ['Pending', 'Accepted', 'Rejected']
/** A task's price of tokens, which is for 1,000 of them, rounded up. */
const priced = (tokens: number, price: bigint) => (BigInt(tokens) * price + 999n) / 1000n

export function printed({ name, figures, names, cwd }: Person): StepHooks {
  const same = (what: string, shown: unknown, onChain: unknown) => figures.same(`${name}: ${what}`, shown, onChain)
  /** Values that others change meanwhile: what was printed was so a few blocks ago. */
  const was = (what: string, shown: unknown, read: (block: bigint) => Promise<unknown>) =>
    figures.was(`${name}: ${what}`, shown, read)
  const read = (...of: Parameters<Figures['read']>) => figures.read(...of) as Promise<Json>
  const model = async () => (await read('ModelRegistry', 'getModel', [BigInt(names.MODEL ?? 1)]))[0]
  const proposal = () => BigInt(names.PROPOSAL ?? 0)
  const votesAt = (block: bigint) => read('ModelGovernor', 'proposalVotes', [proposal()], block)

  const endpoint = async (shown: Json, at: string) => {
    const [host, versionId, priceIn, priceOut] = await read('InferenceMarket', 'endpoints', [BigInt(at)])
    same('host', getAddress(shown.host), host)
    same('version', shown.versionId, versionId)
    return { priceIn, priceOut }
  }
  const call = async (answer: Json) => {
    const { fee, tokensIn, tokensOut, endpointId } = answer.receipt
    const [, , priceIn, priceOut] = await read('InferenceMarket', 'endpoints', [BigInt(endpointId)])
    same('fee', fee, priced(tokensIn, priceIn) + priced(tokensOut, priceOut))
  }
  const reasons = async (output: string) => {
    const lines = [...output.matchAll(/^(-?[\d.]+) gOPEN\t.*⌊(\d+) × (\d+) \/ (\d+)⌋ wei$/gm)]
    for (const [, amount = '', pot = '', weight = '', whole = ''] of lines)
      same('a reason’s amount', parseEther(amount), (BigInt(pot) * BigInt(weight)) / BigInt(whole))
    const sum = lines.reduce((total, [, amount = '']) => total + parseEther(amount), 0n)
    same('the sum of reasons', /gave 0x\w+ ([\d.]+) gOPEN/.exec(output)?.[1] ?? '0', formatEther(sum))
  }
  return {
    'model propose parcels': async (output) => {
      const { modelId, proposalId, specification, rubric } = fieldsOf(output)
      const { proposalId: onChain, specHash, rubricHash } = await model()
      same('the model’s id', modelId, await read('ModelRegistry', 'modelCount'))
      same('the proposal’s id', proposalId, onChain)
      same('the specification', specification, specHash)
      same('the rubric', rubric, rubricHash)
    },
    'model propose parcels --dry-run': () => {},
    'model status': async (output) => {
      const [, ...shown] = /\(for ([\d.]+), against ([\d.]+), abstain ([\d.]+) gOPEN/.exec(output) ?? []
      if (shown.length > 0)
        await was('votes', shown, async (block) => {
          const [against, inFavour, abstain] = await votesAt(block)
          return [inFavour, against, abstain].map((votes: bigint) => formatEther(votes))
        })
      const budget = /of ([\d.]+) gOPEN spent/.exec(output)?.[1]
      if (budget !== undefined) same('budget', budget, formatEther((await model()).budget))
      const samples = /: (\d+) samples, /.exec(output)?.[1]
      if (samples !== undefined)
        await was('samples', samples, (block) => read('DatanetRegistry', 'contributionCount', [], block))
    },
    proposals: async (output) => {
      const { id, voteStart, voteEnd, proposer } = fieldsOf(output)
      same('the proposal’s id', id, (await model()).proposalId)
      same(
        'voteStart',
        printedMoment(voteStart),
        moment(await read('ModelGovernor', 'proposalSnapshot', [BigInt(id ?? 0)])),
      )
      same(
        'voteEnd',
        printedMoment(voteEnd),
        moment(await read('ModelGovernor', 'proposalDeadline', [BigInt(id ?? 0)])),
      )
      same('proposer', getAddress(String(proposer)), await read('ModelGovernor', 'proposalProposer', [BigInt(id ?? 0)]))
    },
    '{ proposal(': async (output) => {
      const { proposal: shown } = JSON.parse(output)
      await was('votes', [shown.forVotes, shown.againstVotes, shown.abstainVotes], async (block) => {
        const [against, inFavour, abstain] = await votesAt(block)
        return [inFavour, against, abstain]
      })
      const snapshot = await read('ModelGovernor', 'proposalSnapshot', [proposal()])
      same('quorum', shown.quorumNeeded, await read('ModelGovernor', 'quorum', [snapshot]))
      for (const { voter, weight } of shown.votes.nodes)
        same('weight', weight, await read('GOpen', 'getPastVotes', [voter, snapshot]))
    },
    '{ model(': async (output) => {
      const { model: shown } = JSON.parse(output)
      const [, targets] = await read('ModelRegistry', 'getModel', [BigInt(names.MODEL ?? 1)])
      same(
        'targets',
        JSON.stringify(shown.targets.nodes),
        JSON.stringify(targets.map((one: Json) => ({ metric: one.metric, minimum: String(one.minimum) }))),
      )
      await was('live version', shown.liveVersionId ?? 0, (block) =>
        read('ModelRegistry', 'liveVersion', [BigInt(names.MODEL ?? 1)], block),
      )
    },
    '{ modelVersion(': async (output) => {
      const { rubricHash } = await model()
      for (const { metric, lower, upper } of JSON.parse(output).modelVersion.evaluations.nodes) {
        const onChain = await read('EvaluationRegistry', 'resultOf', [BigInt(names.VERSION ?? 1), rubricHash, metric])
        same(`${metric}: interval`, [lower, upper], onChain.slice(0, 2))
      }
    },
    'datanet list': async (output) => {
      for (const { id = '', modelId, owner, minStake } of linesOf(output)) {
        const [holder, ofModel, , stake] = await read('DatanetRegistry', 'datanets', [BigInt(id)])
        same('datanet', [modelId, getAddress(String(owner)), minStake], [ofModel, holder, gOpen(stake)])
      }
    },
    'contributions --datanet': async (output) => {
      for (const { id = '', status, stake } of linesOf(output)) {
        const [, held, , , , verdict] = await read('DatanetRegistry', 'contributions', [BigInt(id)])
        same(`contribution ${id}`, [status, stake], [VERDICTS[verdict], gOpen(held)])
      }
    },
    '{ contributions(where: { datanetId: { eq: "DATANET" }, contributor': async (output) => {
      const { totalCount, nodes } = JSON.parse(output).contributions
      same('own contributions', totalCount, await figures.contributionsOf(names.ADDRESS as Address))
      for (const { id, status, stake } of nodes) {
        const [, held, , , , verdict] = await read('DatanetRegistry', 'contributions', [BigInt(id)])
        same(`contribution ${id}`, [status, stake], [VERDICTS[verdict], held])
      }
    },
    '{ contributions(where: { datanetId: { eq: "DATANET" } }) { aggregate': async (output) => {
      const { count } = JSON.parse(output).contributions.aggregate
      same('contributions', count, await read('DatanetRegistry', 'contributionCount'))
    },
    '{ overview': async (output) => {
      const { proposals, contributions, versions, fees } = JSON.parse(output).overview
      same('proposals', proposals, await read('ModelRegistry', 'modelCount'))
      same('contributions', contributions, await read('DatanetRegistry', 'contributionCount'))
      await was('versions', versions, (block) => read('ModelRegistry', 'versionCount', [], block))
      await was('fees', fees, (block) => read('RewardDistributor', 'totalFunded', [], block))
    },
    'endpoint list': async (output) => {
      for (const { id = '', priceIn, priceOut, ...shown } of linesOf(output)) {
        const onChain = await endpoint(shown, id)
        same('prices', [priceIn, priceOut], [gOpen(onChain.priceIn), gOpen(onChain.priceOut)])
      }
    },
    'dispute list': async (output) => {
      for (const { id, challenger, bond } of linesOf(output))
        if (id) {
          const [by, , , , , , , held] = await read('Disputes', 'disputes', [BigInt(id)])
          same(`dispute ${id}`, [getAddress(String(challenger)), bond], [by, gOpen(held)])
        }
    },
    '{ endpoint(': async (output) => {
      const { endpoint: shown, receipts } = JSON.parse(output)
      const { priceIn, priceOut } = await endpoint(shown, names.ENDPOINT ?? '1')
      same('prices', [shown.priceIn, shown.priceOut], [priceIn, priceOut])
      for (const receipt of receipts.nodes) await call({ receipt: { ...receipt, endpointId: names.ENDPOINT } })
    },
    'call ENDPOINT': async (output) => {
      const receipt = output.startsWith('{')
        ? JSON.parse(output)
        : { receipt: JSON.parse(fieldsOf(output).receipt ?? '') }
      await call(receipt)
    },
    'judge list': async (output) => {
      for (const { task = '', commitUntil } of linesOf(output)) {
        const [, , round] = await read('FeedbackPool', 'tasks', [BigInt(task)])
        const { commitDeadline } = await read('FeedbackPool', 'getRound', [BigInt(round)])
        same(`task ${task}: commitUntil`, printedMoment(commitUntil), moment(commitDeadline))
      }
    },
    'judge --file': async (output) => {
      const { committed = '[]', revealed = '[]' } = fieldsOf(output)
      for (const task of [...JSON.parse(committed), ...JSON.parse(revealed)])
        same(`a seat in task ${task}`, true, await read('FeedbackPool', 'hasSeat', [BigInt(task), names.ADDRESS]))
      for (const task of JSON.parse(revealed))
        same(`task ${task}`, true, await read('FeedbackPool', 'hasRevealed', [BigInt(task), names.ADDRESS]))
    },
    'receipt verify': async (output) => {
      const { receipt } = JSON.parse(await readFile(join(cwd, 'answer.json'), 'utf8'))
      const [host] = await read('InferenceMarket', 'endpoints', [BigInt(receipt.endpointId)])
      same('signer', fieldsOf(output).signer, host)
    },
    'rewards why': async (output) => {
      const [, earned = '0'] = /gave 0x\w+ ([\d.]+) gOPEN/.exec(output) ?? []
      const sums = [...output.matchAll(/^ {2}(-?[\d.]+) gOPEN\t/gm)].map(([, sum = '']) => parseEther(sum))
      same('the sum of the kinds of reasons', earned, formatEther(sums.reduce((total, sum) => total + sum, 0n)))
    },
    'explain EPOCH': reasons,
    'verify EPOCH': async (output) => {
      const root = await read('RewardDistributor', 'rootOf', [BigInt(names.EPOCH ?? 1)])
      same('roots', [...output.matchAll(/0x[0-9a-f]{64}/g)].map(String), [root, root])
    },
    'withdraw-stake': async (output) => {
      const { contributions, held } = fieldsOf(output)
      same('contributions', contributions, await figures.contributionsOf(names.ADDRESS as Address))
      same('held', held, 0)
      const count = Number(await read('DatanetRegistry', 'contributionCount'))
      for (let id = 1n; id <= count; id++) {
        const [contributor, stake] = await read('DatanetRegistry', 'contributions', [id])
        if (contributor === getAddress(String(names.ADDRESS))) same(`the stake of ${id}`, 0, stake)
      }
    },
    'withdraw-stake --dry-run': () => {},
  }
}
