import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testApi } from '#graphql/test/api.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { insertAll, insertChain } from '#test/factory.ts'
import { exportRows } from './export.ts'

const folder = async () => {
  const made = await mkdtemp(join(tmpdir(), 'modelcommons-export-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

test('a list is written to a file, and a refusal says why', async () => {
  const { db, url } = await testApi()
  await insertChain(db, 5)
  await insertAll(db, Contribution, [{ id: '1' }, { id: '2' }])
  const out = join(await folder(), 'rows.csv')
  await exportRows('{ contributions { nodes { id status } } }', { url, format: 'csv', out })
  expect(await readFile(out, 'utf8')).toBe('id,status\r\n1,Submitted\r\n2,Submitted\r\n')
  await expect(exportRows('{ overview { fees } }', { url, format: 'csv' })).rejects.toThrow(/one connection/)
})

test('rows that break off leave no file; an address where nothing answers is named', async () => {
  const server = createServer((_request, response) => {
    response.write('id\r\n1\r\n', () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const out = join(await folder(), 'rows.csv')
  await expect(exportRows('{ models { nodes { id } } }', { url, format: 'csv', out })).rejects.toThrow(/broke off/)
  await expect(readFile(out)).rejects.toThrow(/ENOENT/)
  server.close()
  await expect(exportRows('{ models { nodes { id } } }', { url: 'http://127.0.0.1:1', format: 'csv' })).rejects.toThrow(
    /--url/,
  )
})

test('a file that cannot be written is named, not the API', async () => {
  const { db, url } = await testApi()
  await insertChain(db, 5)
  const query = '{ contributions { nodes { id } } }'
  for (const out of ['/nowhere/rows.csv', '/'])
    await expect(exportRows(query, { url, format: 'csv', out })).rejects.toThrow(`--out: cannot write ${out} (`)
  if (existsSync('/dev/full')) {
    await insertAll(db, Contribution, [{ id: '1' }])
    await expect(exportRows(query, { url, format: 'csv', out: '/dev/full' })).rejects.toThrow(
      /--out: cannot write \/dev\/full \(.*no space/,
    )
    expect(existsSync('/dev/full')).toBe(true)
  }
})
