import type { Address, Hex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { commitment, contentsHash } from '#rules/sample.ts'
import { contributionData } from '#rules/signing.ts'
import { hashOf, type World } from './world.ts'

/** A batch of contents for a datanet. */
export type Batch = {
  datanetId: bigint
  contributor: Address
  contents: Hex[]
  stakeEach: bigint
  salt: Hex
  deadline: bigint
}

/** The commitment to a batch as the rule computes it; the contract accepts no other. */
export const commitmentOf = ({ datanetId, contributor, contents, salt }: Batch): Hex =>
  commitment({ datanetId, contributor, contentsHash: contentsHash(contents), salt })

/** The message that a contributor signs; `over` replaces parts of it, for forgeries. */
export async function signBatch(
  world: World,
  signer: HDAccount,
  batch: Batch,
  nonce: bigint,
  over: { chainId?: number; contract?: Address; name?: string } = {},
): Promise<Hex> {
  const place = {
    chainId: over.chainId ?? world.deployment.chainId,
    contract: over.contract ?? world.at.DatanetRegistry,
  }
  const data = contributionData(place, { ...batch, contentsHash: contentsHash(batch.contents), nonce })
  return signer.signTypedData({ ...data, domain: { ...data.domain, name: over.name ?? data.domain.name } })
}

export const submitArguments = (batch: Batch, signature: Hex = '0x') =>
  [batch.datanetId, batch.contributor, batch.contents, batch.stakeEach, batch.salt, batch.deadline, signature] as const

export const contentsOf = (name: string, count: number): Hex[] =>
  Array.from({ length: count }, (_, i) => hashOf(`${name} ${i}`))

/** Commits and submits a batch by its contributor's own transactions. @returns the first id */
export async function submitBatch(world: World, batch: Batch): Promise<bigint> {
  await world.send(batch.contributor, 'DatanetRegistry', 'commit', [commitmentOf(batch), batch.contributor])
  await world.send(batch.contributor, 'DatanetRegistry', 'submit', submitArguments(batch))
  return (await world.read('DatanetRegistry', 'contributionCount', [])) - BigInt(batch.contents.length) + 1n
}
