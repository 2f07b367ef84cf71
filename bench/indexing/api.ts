import { startApi } from '#graphql/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { openDatabase } from '#schema/database.ts'
import { BENCH_ADDRESSES, BENCH_CHAIN_ID } from './chain.ts'
import { processArgument, report } from './processes.ts'

/** The API over an index in a child process, which reports its address. */
const { databaseUrl } = processArgument<{ databaseUrl: string }>()
const { url } = await startApi({
  db: await openDatabase(databaseUrl),
  queues: { add: async () => {} },
  artifacts: localStore('/nonexistent'),
  deployment: { chainId: BENCH_CHAIN_ID, addresses: BENCH_ADDRESSES },
  auth: 'open',
  log: { error: console.error },
  host: '127.0.0.1',
  port: 0,
})
report({ url })
