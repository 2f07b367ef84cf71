import { type ChangeEvent, useId, useState } from 'react'
import { problemText } from '#model/problems.ts'
import type { CheckedSamples } from '../folder/checkSamples.ts'
import { counted } from '../say/figures.ts'
import type { OwnFormProps } from './ownForm.ts'
import { useSamplesCheck } from './useSamplesCheck.ts'

/** At once: each is published on its own, and a transaction takes 40. */
const MAX_SAMPLES = 2000

/** Samples from a file or two fields, checked as `modelcommons contribute` does it. */
export function ContributeForm({ session, given, fault, busy, onFilled }: OwnFormProps<'contribute'>) {
  const id = useId()
  const [prompt, setPrompt] = useState('')
  const [completion, setCompletion] = useState('')
  const [file, setFile] = useState<File>()
  const datanetId = given.datanetId ?? ''
  const { isChecking, checked, problem, check } = useSamplesCheck(session, datanetId)

  const choose = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const chosen = target.files?.[0]
    setFile(chosen)
    check(chosen)
  }
  const changed = (set: (text: string) => void) => (event: ChangeEvent<HTMLTextAreaElement>) => {
    set(event.target.value)
    check()
  }
  const isReady =
    checked !== undefined &&
    checked.problems.length === 0 &&
    checked.samples.length > 0 &&
    checked.samples.length <= MAX_SAMPLES
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) onFilled({ datanetId, samples: JSON.stringify(checked.samples) })
        else check(file ?? new File([JSON.stringify({ prompt, completion })], TYPED))
      }}
    >
      <p>
        First a hash of the samples is committed, then they are published for everybody, then they are submitted with
        their stake. What is accepted earns by what it does for the model.
      </p>
      <div className="field">
        <label htmlFor={`${id}-file`}>A file of samples</label>
        <input
          id={`${id}-file`}
          type="file"
          accept=".jsonl,.ndjson,.csv,.parquet"
          aria-describedby={`${id}-hint`}
          onChange={choose}
        />
        <small id={`${id}-hint`}>JSON Lines, or CSV or Parquet with the columns prompt and completion.</small>
      </div>
      {!file && (
        <>
          <p className="quiet">or one sample:</p>
          <div className="field">
            <label htmlFor={`${id}-prompt`}>Prompt</label>
            <textarea id={`${id}-prompt`} rows={3} value={prompt} onChange={changed(setPrompt)} />
          </div>
          <div className="field">
            <label htmlFor={`${id}-completion`}>Completion</label>
            <textarea id={`${id}-completion`} rows={3} value={completion} onChange={changed(setCompletion)} />
          </div>
        </>
      )}
      {isChecking && (
        <p role="status" className="act-progress">
          <i aria-hidden="true" /> Checking the samples…
        </p>
      )}
      {checked && <Findings checked={checked} />}
      {(problem ?? fault) && (
        <p className="act-fault" role="alert">
          {problem ?? fault}
        </p>
      )}
      <p className="act-row">
        <button type="submit" className="act-button is-main" disabled={busy || isChecking}>
          {busy ? 'Checking…' : isReady ? 'Check what it costs' : 'Check the samples'}
        </button>
      </p>
      <small>
        They are checked here before anything is sent: their form, what the model asks for, secrets and personal data.
      </small>
    </form>
  )
}

/** The name of the file that a sample of the two fields is checked as. */
const TYPED = 'sample.jsonl'
const SHOWN = 10

function Findings({ checked }: { checked: CheckedSamples }) {
  const { samples, copies, problems, given, licence, wanted } = checked
  return (
    <div role="status">
      <p>
        {counted(samples.length, 'sample')} to give
        {given > 0 && `; ${given} you gave before are left out`}
        {copies > 0 && `; ${copies} that stand in the file before are left out`}. They are given under {licence}.
        {wanted && ` Wanted: ${wanted}`}
      </p>
      {samples.length > MAX_SAMPLES && (
        <p className="act-fault">
          At most {MAX_SAMPLES} are given from here at once. Split the file, or use <code>modelcommons contribute</code>
          .
        </p>
      )}
      {problems.length > 0 && (
        <ul className="act-fault">
          {problems.slice(0, SHOWN).map((problem) => (
            <li key={problemText(problem)}>{problem.file === TYPED ? problem.message : problemText(problem)}</li>
          ))}
          {problems.length > SHOWN && <li>and {problems.length - SHOWN} more.</li>}
        </ul>
      )}
    </div>
  )
}
