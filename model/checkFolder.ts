import { type CheckedFolder, type CheckOptions, checkFiles } from './checkFiles.ts'
import { checkBase } from './checks/base.ts'
import { diskFolder } from './diskFolder.ts'

/** Looks for every mistake in a folder on this machine, and whether the engine computes its base model exactly. */
export const checkFolder = (path: string, options: Pick<CheckOptions, 'now'> = {}): Promise<CheckedFolder> =>
  checkFiles(diskFolder(path), { ...options, checkBase })
