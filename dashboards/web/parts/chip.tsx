import type { State } from '../say/states.ts'

/** A state, in words and in colour. */
export const Chip = ({ state }: { state: State }) => <span className={`chip ${state.tone}`}>{state.title}</span>
