import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import express from 'express'
import { requireKnownHost } from '#gateway/knownHost.ts'
import { serveMcp } from '#gateway/mcp/index.ts'
import type { Database } from '#schema/database.ts'
import { suiteServer } from './mcp/suiteServer.ts'
import { NODE_22 } from './node22.ts'

/** `npm run check -- mcp`: the conformance suite of the Model Context Protocol against the code that serves `/mcp`. Its scenarios name tools of their own; our
 *  tools are tested by `test/mcp.test.ts`. The suite needs Node 22, which is installed apart, as it is. */

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12'

/** The scenarios that each revision requires, as `docs/api.md` states them: a suite that runs fewer has not checked everything. */
const REQUIRED_SCENARIOS = { '2026-07-28': 37, '2025-11-25': 30 }

const run = promisify(execFile)

/** @returns whether every scenario that the revisions require passes; no failure is expected. */
export async function checkMcp(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-conformance-'))
  const server = express()
    .use(
      '/mcp',
      serveMcp({ db: {} as Database, auth: 'open', log: console }, requireKnownHost({ auth: 'open' }), suiteServer),
    )
    .listen(0, '127.0.0.1')
  try {
    await writeFile(join(folder, 'package.json'), '{}')
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...NODE_22, SUITE], { cwd: folder })
    const url = `http://localhost:${(server.address() as AddressInfo).port}/mcp`
    const results = []
    for (const [revision, required] of Object.entries(REQUIRED_SCENARIOS))
      results.push({ required, ...(await runSuite(folder, url, revision)) })
    const ok = results.every(({ failed, passed, required }) => failed === 0 && passed === required)
    console.log(JSON.stringify({ check: 'mcp', ok, results }))
    return ok
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function runSuite(folder: string, url: string, revision: string) {
  const modules = join(folder, 'node_modules')
  const suite = join(modules, '@modelcontextprotocol/conformance/dist/index.js')
  const ran = await run(join(modules, 'node/bin/node'), [suite, 'server', '--url', url, '--requirements', revision], {
    cwd: folder,
    maxBuffer: 2 ** 26,
  }).catch((error: Error & { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '',
    stderr: error.stderr || error.message,
  }))
  const text = `${ran.stdout}${ran.stderr}`
  console.log(text.slice(Math.max(0, text.indexOf('SUMMARY')))) // without a summary the suite has failed, and says why
  return { revision, ...countsIn(text) }
}

/** Of the scenarios that the revision requires: the suite runs extensions, too, and names them as not scored. */
function countsIn(text: string) {
  const [scored = '', others = ''] = text.split(/^Not scored/m)
  const optional = new Set([...others.matchAll(/^\s*[✓✗] (\S+)/gm)].map(([, name]) => name))
  const required = [...scored.matchAll(/^([✓✗]) (\S+): \d+ passed/gm)].filter(([, , name]) => !optional.has(name))
  const passed = required.filter(([, mark]) => mark === '✓').length
  return { passed, failed: required.length - passed }
}
