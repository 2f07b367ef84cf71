import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { linkLibraries } from './postgresLibraries.ts'

test('when the install script did not run, the libraries are linked once, relative to their folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'modelcommons-links-'))
  try {
    await mkdir(join(root, 'native/lib/extra'), { recursive: true })
    await writeFile(join(root, 'native/lib/libpq.so.5.18'), 'library')
    const links = [
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/extra/libpq.so' },
    ]
    await writeFile(join(root, 'native/pg-symlinks.json'), JSON.stringify(links))
    const postgres = join(root, 'native/bin/postgres')
    await Promise.all([linkLibraries(postgres), linkLibraries(postgres)])
    await linkLibraries(postgres)
    expect(await readlink(join(root, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18')
    expect(await readFile(join(root, 'native/lib/extra/libpq.so'), 'utf8')).toBe('library')
  } finally {
    await rm(root, { recursive: true })
  }
})

test('a package without a list of links needs none', async () => {
  const root = await mkdtemp(join(tmpdir(), 'modelcommons-links-'))
  try {
    await linkLibraries(join(root, 'native/bin/postgres'))
  } finally {
    await rm(root, { recursive: true })
  }
})
