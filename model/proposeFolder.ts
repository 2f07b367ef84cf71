import { resolve } from 'node:path'
import type { Client } from '#client/index.ts'
import { nameBase } from './baseFiles.ts'
import type { ModelFolder } from './checkFiles.ts'
import { diskFolder } from './diskFolder.ts'
import {
  type ProposedBase,
  type ProposedFolder,
  prepareProposal,
  proposePrepared,
  storedBase,
} from './proposePrepared.ts'

/** Publishes what a folder on this machine has, locks the bond, and opens the vote. Asked for again, after a crash or at any time, it does what is left. */
export const proposeFolder = async (client: Client, folder: ModelFolder): Promise<ProposedFolder> =>
  proposePrepared(client, prepareProposal(folder, await baseOf(folder)))

/** The base model, with its parts when it is on this machine. */
export async function baseOf({ path, model }: Pick<ModelFolder, 'path' | 'model'>): Promise<ProposedBase> {
  return storedBase(model) ?? nameBase(diskFolder(resolve(path, model.base.folder ?? '')))
}
