import { readFileSync } from 'node:fs'
import pino from 'pino'
import { openDatabase } from '#schema/database.ts'
import { openChainClient } from '../chain.ts'

/** A process that makes one deposit under a key; the test kills it before it ends. */
const [databaseUrl, rpcUrl, deploymentFile, operatorKey, key] = process.argv.slice(2) as [
  string,
  string,
  string,
  `0x${string}`,
  string,
]
const db = await openDatabase(databaseUrl)
const deployment = JSON.parse(readFileSync(deploymentFile, 'utf8'))
const chain = await openChainClient({ rpcUrl, deployment, operatorKey, db, log: pino({ level: 'silent' }) })
await chain.transact(key, { contract: 'GOpen', functionName: 'deposit', args: [], value: 7n })
process.send?.('done')
