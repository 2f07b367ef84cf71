import { openAct } from './flow.ts'
import { ACT_TITLES, type ActName } from './inputs.ts'

interface ActButtonProps {
  act: ActName
  /** What the form begins with: ids and amounts as text. */
  given?: Readonly<Record<string, string>>
  /** Default: the title of the act. */
  children?: string
}

/** Opens the form of an act; whoever has no wallet connected is asked to connect one there.
 *  `<ActButton act="vote" given={{ proposalId }} />` */
export function ActButton({ act, given, children = ACT_TITLES[act] }: ActButtonProps) {
  return (
    <button type="button" className="act-button" data-act={act} data-id={given?.id} onClick={() => openAct(act, given)}>
      {children}
    </button>
  )
}
