#!/usr/bin/env node
// Starts the one program. The sources are TypeScript, transformed as they load; there is no build step to forget.
import { register } from 'tsx/esm/api'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ModelCommons needs Node 20.19 or later; this is ${process.version}.`)
  process.exit(1)
}
register({ tsconfig: new URL('../tsconfig.json', import.meta.url).pathname })
await import('../cli/main.ts')
