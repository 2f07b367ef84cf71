import { type ChangeEvent, useId, useState } from 'react'
import { type CheckedSamples, checkSamples } from '#client/reads/sampleChecks.ts'
import { counted } from '../say/figures.ts'
import type { OwnFormProps } from './ownForm.ts'
import { readSampleText } from './readSampleText.ts'

/** Samples from a file or two fields, checked as the scorer will check them. */
export function ContributeForm({ session, given, fault, busy, onFilled }: OwnFormProps<'contribute'>) {
  const id = useId()
  const [prompt, setPrompt] = useState('')
  const [completion, setCompletion] = useState('')
  const [values, setValues] = useState<readonly unknown[]>()
  const [checked, setChecked] = useState<CheckedSamples>()
  const [problem, setProblem] = useState<string>()
  const datanetId = given.datanetId ?? ''

  const check = async (entered: readonly unknown[]) => {
    setProblem(undefined)
    try {
      setChecked(await checkSamples(session.client, { datanetId: BigInt(datanetId), values: entered }))
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  const readFile = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const file = target.files?.[0]
    setChecked(undefined)
    setValues(undefined)
    if (!file) return
    try {
      const read = await readSampleText(file.name, await file.text())
      setValues(read)
      await check(read)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  const changed = (set: (text: string) => void) => (event: ChangeEvent<HTMLTextAreaElement>) => {
    set(event.target.value)
    setChecked(undefined)
  }
  const isReady = checked !== undefined && checked.problems.length === 0 && checked.samples.length > 0
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) onFilled({ datanetId, samples: JSON.stringify(checked.samples) })
        else void check(values ?? [{ prompt, completion }])
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
          accept=".jsonl,.ndjson,.csv"
          aria-describedby={`${id}-hint`}
          onChange={(event) => void readFile(event)}
        />
        <small id={`${id}-hint`}>JSON Lines, or CSV with the columns prompt and completion.</small>
      </div>
      {!values && (
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
      {checked && <Findings checked={checked} />}
      {(problem ?? fault) && (
        <p className="act-fault" role="alert">
          {problem ?? fault}
        </p>
      )}
      <p className="act-row">
        <button type="submit" className="act-button is-main" disabled={busy}>
          {busy ? 'Checking…' : isReady ? 'Check what it costs' : 'Check the samples'}
        </button>
      </p>
      <small>
        Look yourself for secrets and personal data: a sample that has any is rejected, when everybody can read it
        already. <code>modelcommons contribute</code> looks for them before it sends.
      </small>
    </form>
  )
}

const SHOWN = 10

function Findings({ checked }: { checked: CheckedSamples }) {
  const { samples, problems, given, licence, wanted } = checked
  return (
    <div role="status">
      <p>
        {counted(samples.length, 'sample')} to give{given > 0 && `; ${given} you gave before are left out`}. They are
        given under {licence}.{wanted && ` Wanted: ${wanted}`}
      </p>
      {problems.length > 0 && (
        <ul className="act-fault">
          {problems.slice(0, SHOWN).map(({ place, reason }) => (
            <li key={place}>
              Sample {place}: {reason}
            </li>
          ))}
          {problems.length > SHOWN && <li>and {problems.length - SHOWN} more.</li>}
        </ul>
      )}
    </div>
  )
}
