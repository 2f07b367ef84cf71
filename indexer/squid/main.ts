import { openDatabase } from '#schema/database.ts'
import { resolveDeployment } from '../deployment.ts'
import { ContractAnswers } from '../governors/answers.ts'
import { openRpc } from '../rpc/open.ts'
import type { ProcessArguments } from './backfill.ts'
import { VersionedDatabase } from './database.ts'
import { runProcessor } from './processor.ts'

/** The processor in a process of its own, because it ends the process that it runs in. The argument is JSON. */
const { databaseUrl, deployment, nodeUrl, token, ...options } = JSON.parse(process.argv[2] ?? '') as ProcessArguments
const answers = nodeUrl === undefined ? undefined : new ContractAnswers(openRpc(nodeUrl, {}))
const resolved = resolveDeployment(deployment, answers)
const db = await openDatabase(databaseUrl, { name: 'modelcommons-squid', max: 2 })
runProcessor(resolved, new VersionedDatabase(db, resolved, token), options)
