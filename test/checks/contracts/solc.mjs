#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import solc from 'solc'

/** The part of solc's command line that forge and Slither use, over the compiler of the project's own package: nothing is
 *  downloaded. Standard JSON comes on stdin; imports are read from the working folder. */
const find = (path) => {
  try {
    return { contents: readFileSync(path, 'utf8') }
  } catch {
    return { error: `${path} not found` }
  }
}
if (process.argv.includes('--version')) console.log(`solc, the solidity compiler\nVersion: ${solc.version()}`)
else if (process.argv.includes('--standard-json'))
  process.stdout.write(solc.compile(readFileSync(0, 'utf8'), { import: find }))
else {
  console.error('Use --version or --standard-json.')
  process.exit(2)
}
