import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pageHeaders } from './pagePolicy.ts'
import { serveWebPages } from './webPages.ts'

let folder: string
let server: Server
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcommons-pages-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(folder, 'assets', 'index-abc123.js'), `export const text = '${'the same words '.repeat(500)}'`)
  const headers = pageHeaders({ deployment: { chainId: 1, addresses: {}, nodeUrl: 'https://node.example/rpc' } })
  server = createServer(express().use(headers, serveWebPages(folder))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

const get = (path: string, accept = 'text/html,*/*;q=0.8') => fetch(`${url}${path}`, { headers: { accept } })

test('a browser that opens any path gets the page, which it asks for again each time', async () => {
  for (const path of ['/', '/proposals/77', '/search?q=a.b', '/accounts/0x00.html']) {
    const answer = await get(path)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('<title>page</title>')
    expect(answer.headers.get('cache-control')).toBe('no-cache')
  }
})

test('a program that asks for an unknown path learns that there is nothing', async () => {
  for (const accept of ['application/json', '*/*']) expect((await get('/proposals/77', accept)).status).toBe(404)
})

test('files with a hash in their name are kept for a year, and compressed', async () => {
  const answer = await fetch(`${url}/assets/index-abc123.js`, { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  expect((await answer.text()).length).toBeGreaterThan(7000)
})

test('a file that is no longer there is not answered with the page', async () => {
  const answer = await get('/assets/index-old.js')
  expect(answer.status).toBe(404)
  expect(await answer.text()).not.toContain('<title>page</title>')
})

test('no other site may frame the page; it loads scripts of its own server alone, and asks only this server and the public node', async () => {
  const policy = (await get('/proposals')).headers.get('content-security-policy') ?? ''
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'")
  expect(policy).toContain("connect-src 'self' https://node.example;")
  expect(policy.replace("'wasm-unsafe-eval'", '')).not.toMatch(/unsafe|\*/)
})
