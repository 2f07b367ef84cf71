import { useEffect, useState } from 'react'
import { accountOf } from '#client/account.ts'
import type { Client } from '#client/client.ts'
import { checkChosen } from '../folder/checkChosen.ts'
import type { CheckAnswer } from '../folder/checkRequest.ts'
import type { ChosenFile } from '../folder/chosenFiles.ts'
import type { Ready } from '../wallet/sessionKinds.ts'

/** What the contracts say about a proposal before it is made. In wei. */
export interface ProposerFacts {
  minBond: bigint
  /** What the treasury has, of which budgets are paid. */
  treasury: bigint
  /** What the account has free. */
  gOpen: bigint
}

export interface FolderCheck {
  state: 'none' | 'checking' | 'checked'
  answer?: CheckAnswer
  facts?: ProposerFacts
  /** Why it could not be checked. */
  problem?: string
}

/** Checks the chosen folder against the contracts of the deployment and the clock of its chain; anew when other files are chosen. */
export function useFolderCheck(
  { client }: Ready,
  folder: readonly ChosenFile[],
  base: readonly ChosenFile[],
): FolderCheck {
  const [check, setCheck] = useState<FolderCheck>({ state: 'none' })
  useEffect(() => {
    if (folder.length === 0) return setCheck({ state: 'none' })
    const stop = new AbortController()
    const put = (next: FolderCheck) => !stop.signal.aborted && setCheck(next)
    setCheck(({ answer }) => ({ state: 'checking', answer: base.length > 0 ? answer : undefined }))
    checkAll(client, folder, base, stop.signal).then(put, (error: Error) =>
      put({ state: 'checked', problem: error.message }),
    )
    return () => stop.abort()
  }, [client, folder, base])
  return check
}

async function checkAll(
  client: Client,
  folder: readonly ChosenFile[],
  base: readonly ChosenFile[],
  signal: AbortSignal,
): Promise<FolderCheck> {
  const { Treasury } = client.deployment.addresses
  const [minBond, treasury, gOpen, { timestamp }] = await Promise.all([
    client.read('ModelRegistry', 'minBond', []),
    client.read('GOpen', 'balanceOf', [Treasury]),
    client.read('GOpen', 'balanceOf', [accountOf(client)]),
    client.node.getBlock(),
  ])
  const answer = await checkChosen({ folder, base, minBond, now: Number(timestamp) * 1000 }, signal)
  return { state: 'checked', answer, facts: { minBond, treasury, gOpen } }
}
