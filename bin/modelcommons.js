#!/usr/bin/env node
import { load } from './load.js'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ModelCommons needs Node 20.19 or later; this is ${process.version}.`)
  process.exit(1)
}
await load('cli/main.ts')
