import type { FoundProposal } from '../folder/checkRequest.ts'
import { counted, gopen, percent } from '../say/figures.ts'
import type { ProposerFacts } from './useFolderCheck.ts'

interface ProposedTermsProps {
  found: FoundProposal
  facts: ProposerFacts
}

/** What a folder without mistakes asks the community to decide, and what it takes of the proposer. */
export function ProposedTerms({ found, facts }: ProposedTermsProps) {
  const { name, purpose, licence, deadline, proposal } = found
  const { terms, documents, base } = proposal
  const bond = proposal.bond ?? facts.minBond
  const rows = [
    ['Budget, from the treasury', `${gopen(terms.budget)} gOPEN; the treasury has ${gopen(facts.treasury)}`],
    ['Bond that you lock', `${gopen(bond)} gOPEN; you have ${gopen(facts.gOpen)} free`],
    ['The mandate ends', `${deadline}, 00:00 UTC`],
    ['Licence', licence],
    [
      'Base model',
      'parts' in base ? `${counted(base.parts.length, 'part')} of its files` : 'one that the API has already',
    ],
    ...terms.targets.map(({ metric, minimum }) => [`Least ${metric}`, percent(minimum)] as const),
  ] as const
  const sealed = documents.filter(({ kind }) => kind === 'items').length
  return (
    <section aria-label="What is proposed" role="status">
      <h3>{name}</h3>
      <p>{purpose}</p>
      <dl className="balances">
        {rows.map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet">
        When you sign, {counted(documents.length, 'document')} are published:{' '}
        {documents.map(({ what }) => what).join(', ')}. {sealed === 1 ? 'The sealed one' : `The ${sealed} sealed ones`}{' '}
        nobody can read before they are opened; whoever runs this API can. The seed data stays here: it is given to the
        model’s datanet later.
      </p>
    </section>
  )
}
