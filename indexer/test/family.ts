import { readFileSync } from 'node:fs'
import { type Address, encodeDeployData, encodeFunctionData, type Hex } from 'viem'
import { expect } from 'vitest'
import { compileSources } from '#contracts/compile.ts'
import type { Database } from '#schema/database.ts'
import { must } from '#test/must.ts'
import type { ContractFactory } from '../index.ts'
import { receiptOf, testChain } from './chain.ts'

const source = readFileSync(new URL('./Family.sol', import.meta.url), 'utf8')
let compiled: Awaited<ReturnType<typeof compileSources>>[string] | undefined

/** A chain with a factory that the deployment names. */
export async function family() {
  compiled ??= must((await compileSources({ 'Family.sol': source }))['Family.sol'])
  const { Factory: maker, Child: made } = compiled
  const plain = await testChain()
  const transact = async (to: Address | undefined, data: Hex) => {
    const hash = (await plain.call('eth_sendTransaction', {
      from: plain.accounts[1],
      to,
      data,
      gas: '0x1000000',
    })) as Hex
    return (await receiptOf(plain.call, hash)) as unknown as {
      contractAddress: Address
      blockNumber: Hex
      logs: { address: string; topics: Hex[] }[]
    }
  }
  const bytecode: Hex = `0x${must(maker).evm.bytecode.object}`
  const { contractAddress: address } = await transact(undefined, encodeDeployData({ abi: must(maker).abi, bytecode }))
  const factory: ContractFactory = {
    address,
    event: 'event Created(address indexed child, uint256 number)',
    argument: 'child',
    follows: 'GOpen',
  }
  const chain = { ...plain, deployment: { ...plain.deployment, factories: [factory] } }
  return {
    chain,
    factory,
    /** Creates `count` children in one block. @returns their addresses. */
    async make(count: number): Promise<Address[]> {
      const data = encodeFunctionData({ abi: must(maker).abi, functionName: 'make', args: [count] })
      const { logs } = await transact(address, data)
      const announced = logs.filter((log) => log.address === address)
      return announced.map(({ topics }) => `0x${must(topics[1]).slice(26)}` as Address)
    },
    async move(child: Address, value: number) {
      await transact(
        child,
        encodeFunctionData({ abi: must(made).abi, functionName: 'move', args: [plain.accounts[3], value] }),
      )
    },
  }
}

type Family = Awaited<ReturnType<typeof family>>

/** Fails unless the index holds exactly the logs of the children that the node returns. */
export async function expectIndexedLogs({ chain }: Family, db: Database, children: Address[]) {
  const filter = { fromBlock: '0x0', toBlock: 'latest', address: children }
  const logs = (await chain.call('eth_getLogs', filter)) as { blockNumber: Hex; logIndex: Hex; address: string }[]
  const { rows } = await db.query(
    'select from_block as block, log_index as index, address from chain_event where address = any($1) order by id',
    [children],
  )
  expect(rows).toEqual(
    logs.map(({ blockNumber, logIndex, address }) => ({
      block: Number(blockNumber),
      index: Number(logIndex),
      address,
    })),
  )
  const followed = await db.query('select id, contract from followed_contract where to_block is null')
  expect(followed.rows.map(({ id }) => id).sort()).toEqual([...children].sort())
}
