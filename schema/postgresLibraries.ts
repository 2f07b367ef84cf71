import { readFile, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/** Creates the links between the versions of PostgreSQL's shared libraries (`libpq.so.5` → `libpq.so.5.18`). npm packages cannot
 *  hold links; the package lists them in `native/pg-symlinks.json` and would create them in an install script, which `.npmrc`
 *  switches off. Links that exist are kept.
 *  @param postgres path of the server's binary, `<package>/native/bin/postgres`. */
export async function linkLibraries(postgres: string): Promise<void> {
  const root = dirname(dirname(dirname(postgres)))
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(relative(dirname(target), source), join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
