import { useId, useState } from 'react'
import { type ChosenFile, filesOfDrop, filesOfInput } from '../folder/chosenFiles.ts'
import { FolderProblems, FolderWarnings } from './folderProblems.tsx'
import { proposalText } from './keptProposals.ts'
import type { OwnFormProps } from './ownForm.ts'
import { ProposedTerms } from './proposedTerms.tsx'
import { useFolderCheck } from './useFolderCheck.ts'

/** A model folder, checked as `modelcommons model check` does it, and what it would propose. */
export function ProposeForm({ session, fault, busy, onFilled }: OwnFormProps<'propose'>) {
  const [folder, setFolder] = useState<readonly ChosenFile[]>([])
  const [base, setBase] = useState<readonly ChosenFile[]>([])
  const { state, answer, facts, problem } = useFolderCheck(session, folder, base)
  const found = answer?.found
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (found) onFilled({ name: found.name, proposal: proposalText(found.proposal) })
      }}
    >
      <p>
        A model is a folder, as <code>npx modelcommons model init</code> makes it. What it has is published here, its
        items sealed; you lock a bond, and the community votes.
      </p>
      <FolderField
        label="The folder of the model"
        hint="It has model.yaml, CARD.md, rubric, validation and seed-data. You can also drop it here."
        onChosen={(files) => {
          setBase([])
          setFolder(files)
        }}
      />
      {answer?.outsideBase !== undefined && (
        <FolderField
          label="The folder of the base model"
          hint={`model.yaml names ${answer.outsideBase}, which is not in the folder above. Its files are uploaded unless the API has them.`}
          onChosen={setBase}
        />
      )}
      {state === 'checking' && (
        <p role="status" className="act-progress">
          <i aria-hidden="true" /> Checking the folder…
        </p>
      )}
      {answer && <FolderProblems problems={answer.problems} />}
      {answer && <FolderWarnings warnings={answer.warnings} />}
      {found && facts && <ProposedTerms found={found} facts={facts} />}
      {(problem ?? fault) && (
        <p className="act-fault" role="alert">
          {problem ?? fault}
        </p>
      )}
      <p className="act-row">
        <button type="submit" className="act-button is-main" disabled={busy || !found}>
          {busy ? 'Checking…' : 'Check what it costs'}
        </button>
      </p>
      <small>
        Whether the engine computes the base model, and whether every sample fits into its context, is checked by{' '}
        <code>npx modelcommons model check</code> alone.
      </small>
    </form>
  )
}

interface FolderFieldProps {
  label: string
  hint: string
  onChosen(files: ChosenFile[]): void
}

/** Chosen in a dialog, or dropped. */
function FolderField({ label, hint, onChosen }: FolderFieldProps) {
  const id = useId()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is another way to do what the input does
    <div
      className="field drop-field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        void filesOfDrop(event.dataTransfer.items).then(onChosen)
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="file"
        {...{ webkitdirectory: '' }} // what React has no type for
        multiple
        aria-describedby={`${id}-hint`}
        onChange={({ target }) => onChosen(filesOfInput(target.files))}
      />
      <small id={`${id}-hint`}>{hint}</small>
    </div>
  )
}
