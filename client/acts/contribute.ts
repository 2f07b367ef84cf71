import { type Hex, zeroAddress } from 'viem'
import { canonicalSample, commitment, contentHash, contentsHash, type PromptCompletion } from '#rules/sample.ts'
import { contributionData } from '#rules/signing.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { contributedHashes } from '../reads/contributions.ts'
import { allowTransfer } from './allowTransfer.ts'
import { signOnce } from './signOnce.ts'
import { upload } from './upload.ts'

export interface NewContributions {
  datanetId: bigint
  samples: readonly PromptCompletion[]
  /** What is staked on each sample, in wei of gOPEN. Default: the least that the datanet takes. */
  stakeEach?: bigint
  /** Another client, whose account sends the transactions and pays their gas; the contributor only signs, and pays the stake. */
  relay?: Client
}

export interface Contributed {
  /** The contributions by content hash: those of now, and those that the account had given before. */
  ids: ReadonlyMap<Hex, string>
  /** How many were new. */
  submitted: number
}

/** Samples that one transaction submits. */
const BATCH = 40
const UPLOADS = 8

interface Batch {
  hashes: Hex[]
  salt: Hex
}

/**
 * Gives samples to a datanet. A salted hash of each batch is committed first; then the samples are published; then they are submitted, so that nobody
 * can copy one in flight. Samples that the account has given to the datanet before are left out.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, contribute, createDatanet, listContributions, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 10n ** 18n)
 * const datanetId = await createDatanet(client, { modelId: 1n, licence: 'CC0-1.0', minStake: 0n })
 * const samples = [{ prompt: 'Where is my parcel?', completion: 'delivery | low | none | We look for it.' }]
 * const { submitted } = await contribute(client, { datanetId, samples })
 * assert.equal(submitted, 1)
 * assert.equal((await contribute(client, { datanetId, samples })).submitted, 0) // nothing is given twice
 * assert.equal((await listContributions(client, { datanetId })).length, 1)
 * ```
 */
export const contribute = (
  client: Client,
  { datanetId, samples, stakeEach, relay = client }: NewContributions,
): Promise<Contributed> => {
  const contents = new Map(samples.map((sample) => [contentHash(sample), sample]))
  return Act.run(client, 'contribute', { datanetId, contents: contentsHash([...contents.keys()]) }, async (act) => {
    const stake = stakeEach ?? (await leastStake(client, datanetId))
    const batches = await act.keep('batches', async () => {
      const given = await contributedHashes(client, { datanetId, hashes: [...contents.keys()] })
      const left = [...contents.keys()].filter((hash) => !given.has(hash))
      return batchesOf(act, datanetId, left)
    })
    const total = batches.reduce((sum, { hashes }) => sum + hashes.length, 0)
    const left = await unsubmitted(act, datanetId, batches)
    await allowTransfer(act, 'DatanetRegistry', stake * BigInt(left.reduce((sum, one) => sum + one.hashes.length, 0)))
    for (const [done, batch] of left.entries()) {
      act.progress({ step: 'committing', done, total: left.length })
      await commit(act, datanetId, batch, relay)
    }
    let done = total - left.reduce((sum, { hashes }) => sum + hashes.length, 0)
    for (const batch of left) {
      act.progress({ step: 'publishing and submitting', done, total })
      await publish(act, batch.hashes, contents)
      await submit(act, { datanetId, stake, batch, relay })
      done += batch.hashes.length
    }
    act.progress({ step: 'submitted', done, total })
    await act.wait()
    return { ids: await contributedHashes(client, { datanetId, hashes: [...contents.keys()] }), submitted: total }
  })
}

async function leastStake(client: Client, datanetId: bigint): Promise<bigint> {
  const [[owner, , , minStake], fee] = await Promise.all([
    client.read('DatanetRegistry', 'datanets', [datanetId]),
    client.read('DatanetRegistry', 'scoringFee', []),
  ])
  if (owner === zeroAddress)
    throw new ClientError(`There is no datanet ${datanetId}. Look at the list of datanets for its id.`)
  return minStake > fee ? minStake : fee
}

function batchesOf({ account, client }: Act, datanetId: bigint, hashes: Hex[]): Batch[] {
  const batches: Batch[] = []
  for (let start = 0; start < hashes.length; start += BATCH) {
    const batch = hashes.slice(start, start + BATCH)
    const salt = client.newSecret(`salt of ${account} in datanet ${datanetId} for ${contentsHash(batch)}`)
    batches.push({ hashes: batch, salt })
  }
  return batches
}

const commitmentTo = ({ account }: Act, datanetId: bigint, { hashes, salt }: Batch): Hex =>
  commitment({ datanetId, contributor: account, contentsHash: contentsHash(hashes), salt })

/** In the registry's `committedAt`, for a commitment whose batch was submitted. */
const USED = 2n ** 256n - 1n

const committedAt = (act: Act, datanetId: bigint, batch: Batch): Promise<bigint> =>
  act.client.read('DatanetRegistry', 'committedAt', [act.account, commitmentTo(act, datanetId, batch)])

async function unsubmitted(act: Act, datanetId: bigint, batches: Batch[]): Promise<Batch[]> {
  const blocks = await Promise.all(batches.map((batch) => committedAt(act, datanetId, batch)))
  return batches.filter((_, place) => blocks[place] !== USED)
}

/** Commits to a batch, again if an earlier commitment to it has expired. */
async function commit(act: Act, datanetId: bigint, batch: Batch, payer: Client): Promise<void> {
  const { client } = act
  const [since, life, head] = await Promise.all([
    committedAt(act, datanetId, batch),
    client.read('DatanetRegistry', 'COMMITMENT_BLOCKS', []),
    client.node.getBlockNumber({ cacheTime: 0 }),
  ])
  // A commitment in its last blocks would expire while the samples are published.
  if (since > 0n && head <= since + life) return
  await act.send(
    {
      contract: 'DatanetRegistry',
      functionName: 'commit',
      args: [commitmentTo(act, datanetId, batch), act.account],
    },
    { payer, attempt: since.toString() },
  )
}

/** Publishes samples, several at a time. */
async function publish({ client }: Act, hashes: readonly Hex[], contents: ReadonlyMap<Hex, PromptCompletion>) {
  if (client.plan) return
  const left = [...hashes]
  const one = async () => {
    for (let hash = left.pop(); hash; hash = left.pop()) {
      const sample = contents.get(hash)
      if (sample) await upload(client, 'sample', canonicalSample(sample))
    }
  }
  await Promise.all(Array.from({ length: UPLOADS }, one))
}

interface Submission {
  datanetId: bigint
  stake: bigint
  batch: Batch
  relay: Client
}

async function submit(act: Act, { datanetId, stake, batch, relay }: Submission): Promise<void> {
  const { client, account } = act
  const signed =
    relay === client && !client.relay
      ? { deadline: USED, signature: '0x' as Hex }
      : await signBatch(act, { datanetId, stake, batch })
  await act.send(
    {
      contract: 'DatanetRegistry',
      functionName: 'submit',
      args: [datanetId, account, batch.hashes, stake, batch.salt, signed.deadline, signed.signature],
    },
    { payer: relay },
  )
}

/** The contributor's signature, with which somebody else may submit the batch. */
const signBatch = (act: Act, { datanetId, stake, batch }: Omit<Submission, 'relay'>) => {
  const { client, account } = act
  const { chainId, addresses } = client.deployment
  const message = { datanetId, contributor: account, contentsHash: contentsHash(batch.hashes), stakeEach: stake }
  return signOnce(act, `signature of ${batch.salt} for ${stake}`, {
    nonce: () => client.read('DatanetRegistry', 'nonces', [account]),
    isDone: async () => (await committedAt(act, datanetId, batch)) === USED,
    data: (once) => contributionData({ chainId, contract: addresses.DatanetRegistry }, { ...message, ...once }),
  })
}
