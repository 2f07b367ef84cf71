import { openLog } from '#cli/log.ts'
import { startSystem } from '#cli/system.ts'
import { readConfig } from '#config'

/** The whole system in a process of its own, whose output, with that of its services, the parent can read. It stops when the parent disconnects. */

const config = readConfig()
const system = await startSystem(config, openLog('up', config))
const { url, statusUrls, rpcUrl, databaseUrl, deployment } = system
process.on('disconnect', () => void system.stop().then(() => process.exit()))
process.send?.({ url, statusUrls, rpcUrl, databaseUrl, deployment })
