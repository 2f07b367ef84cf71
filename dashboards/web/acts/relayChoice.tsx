import { count } from '../say/figures.ts'
import type { RelayOffer } from './relayOffer.ts'

interface RelayChoiceProps {
  offer: RelayOffer
  relay: boolean
  setRelay(relay: boolean): void
}

/** Who sends what is signed, and pays the gas. */
export function RelayChoice({ offer, relay, setRelay }: RelayChoiceProps) {
  if (offer.refused) return <small>{offer.refused}</small>
  return (
    <fieldset className="field">
      <legend>Who sends it</legend>
      <label className="choice">
        <input type="radio" name="relay" checked={!relay} onChange={() => setRelay(false)} /> You, and you pay the gas
      </label>
      <label className="choice">
        <input type="radio" name="relay" checked={relay} onChange={() => setRelay(true)} /> The relayer of this API: you
        only sign
      </label>
      <small>It sends up to {count(offer.actsPerDay)} acts of an account in 24 hours, one at a time.</small>
    </fieldset>
  )
}
