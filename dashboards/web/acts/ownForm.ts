import type { Ready } from '../wallet/sessionKinds.ts'
import type { ActInputs, ActName } from './inputs.ts'

/** What a form of its own gets. */
export interface OwnFormProps<Name extends ActName> {
  session: Ready
  given: Readonly<Record<string, string>>
  fault?: string
  busy: boolean
  onFilled(input: ActInputs[Name]): void
}
