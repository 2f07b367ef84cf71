import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import { Registry } from 'prom-client'
import { type ApiContext, contextOf, type Services } from '#graphql/context.ts'
import { startApi } from '#graphql/index.ts'
import { AccessWatch } from '#graphql/live/accessWatch.ts'
import { openNotificationFeed } from '#graphql/live/feed.ts'
import { LiveReads } from '#graphql/live/liveReads.ts'
import { apiSchema } from '#graphql/schema.ts'
import { signedByKey } from '#graphql/signature.ts'
import { openDatabase } from '#schema/database.ts'
import { entry } from '../report.ts'
import { bareOptions } from './options.ts'

/** `server.ts ours|apollo|yoga URL`: serves GraphQL for the database at URL in a child process and prints its address. All three have the
 *  same schema object with the same resolvers and the same pool; the peers have no limits, keys, metrics or other parts of ours. */

const PEERS = join(import.meta.dirname, '../peers/graphql')
const [kind = '', databaseUrl = ''] = process.argv.slice(2)
const db = await openDatabase(databaseUrl, { name: `bench ${kind}` })
const options = bareOptions(db)

const servers: Record<string, () => Promise<string>> = {
  async ours() {
    return (await startApi({ ...options, host: '127.0.0.1', port: 0, registry: new Registry() })).url
  },
  async apollo() {
    const context = await bareContext()
    const apollo = new ApolloServer<ApiContext>({ schema: apiSchema(), nodeEnv: 'production' })
    await apollo.start()
    const app = express()
    app.use('/graphql', express.json(), expressMiddleware(apollo, { context }))
    return listen(createServer(app))
  },
  async yoga() {
    const context = await bareContext()
    const { createYoga } = createRequire(join(PEERS, 'package.json'))('graphql-yoga')
    return listen(createServer(createYoga({ schema: apiSchema(), context, logging: false })))
  },
}

async function bareContext(): Promise<() => Promise<ApiContext>> {
  const feed = await openNotificationFeed(db)
  const own = { feed, access: new AccessWatch(db, feed), liveReads: new LiveReads(), verifySignature: signedByKey }
  const services: Services = { ...options, ...own }
  return async () => contextOf(services, { kind: 'open' })
}

function listen(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

console.log(await entry(servers, kind)())
