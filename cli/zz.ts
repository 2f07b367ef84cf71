import { readConfig } from '#config'
import { startSystem } from './system.ts'
import { openLog } from './log.ts'
process.env.LOG_LEVEL='info'
const config = readConfig({ LOG_LEVEL:'info', MODELCOMMONS_HOME: '/tmp/zzhome', PORT:'0' })
const log = openLog('x', config)
const system = await startSystem(config, log)
console.log('up', system.url, process.getActiveResourcesInfo())
setInterval(()=>{}, 1000)
const { playExample } = await import('#example/story/index.ts')
console.log('imported')
const { openArtifacts } = await import('./stores.ts')
try {
await playExample({ url: system.url, rpcUrl: system.rpcUrl, deployment: system.deployment, store: await openArtifacts(config), seed: 1, say: console.log })
} catch (e) { console.log('ERR', e) }
await system.stop()
