import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockSigner, tryIndexerLock } from '#schema/advisoryLocks.ts'
import { openDatabase } from '#schema/database.ts'
import { startPostgres } from '#schema/postgres.ts'

/** Run in a network namespace of its own: a client takes the signer's lock in a transaction and the indexer's lock in a session; then the
 *  firewall drops every packet of its connections, in both directions. Prints after how many milliseconds another client gets each lock. */
const [folder] = process.argv.slice(2) as [string]
const server = await startPostgres(folder, { flags: { fsync: 'off' } })
const vanishing = await openDatabase(server.url, { name: 'vanishing' })
const other = await openDatabase(server.url)

const session = await vanishing.pool.connect()
session.on('error', () => {})
if (!(await tryIndexerLock(session, 1))) throw new Error('The lock is not free.')
const transaction = await vanishing.pool.connect()
transaction.on('error', () => {})
await transaction.query('begin')
await lockSigner(transaction, '0xaa', 1)

const { rows } = await other.query(`select client_port from pg_stat_activity where application_name = 'vanishing'`)
for (const { client_port } of rows)
  for (const end of ['--sport', '--dport'])
    execFileSync('iptables', ['-A', 'OUTPUT', '-p', 'tcp', end, String(client_port), '-j', 'DROP'])

const began = performance.now()
const elapsed = () => Math.round(performance.now() - began)
const [signer, indexer] = await Promise.all([
  other.transaction((sql) => lockSigner(sql, '0xaa', 1)).then(elapsed),
  (async () => {
    const waiting = await other.pool.connect()
    while (!(await tryIndexerLock(waiting, 1))) await sleep(100)
    waiting.release(true)
    return elapsed()
  })(),
])
console.log(JSON.stringify({ signer, indexer }))
await other.close()
await server.stop()
process.exit(0)
