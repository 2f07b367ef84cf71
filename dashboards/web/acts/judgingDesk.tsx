import { type KeyboardEvent, useEffect, useState } from 'react'
import type { Client } from '#client/client.ts'
import { type ComparedAnswers, type JudgingTask, readComparison } from '#client/reads/judging.ts'
import { Rating } from './rating.tsx'

interface JudgingDeskProps {
  client: Client
  tasks: readonly JudgingTask[]
  fault?: string
  busy: boolean
  onJudged(input: { judgements: string }): void
}

interface Said {
  choice?: 0 | 1 | 2
  ethics: number
  logic: number
  functional: number
  confidence: number
}

const UNSAID: Said = { ethics: 50, logic: 50, functional: 50, confidence: 70 }
const CHOICES = [
  [0, 'The first', '1'],
  [1, 'The second', '2'],
  [2, 'Neither is better', '3'],
] as const
const CRITERIA = [
  ['ethics', 'Ethics', 'Does it harm or mislead nobody?'],
  ['logic', 'Logic', 'Is it right, and does it follow?'],
  ['functional', 'Use', 'Does it do what was asked?'],
] as const

/** Two answers side by side, one comparison after the other. The keys 1, 2 and 3 choose. */
export function JudgingDesk({ client, tasks, fault, busy, onJudged }: JudgingDeskProps) {
  const [place, setPlace] = useState(0)
  const [said, setSaid] = useState<Readonly<Record<string, Said>>>({})
  const [compared, setCompared] = useState<ComparedAnswers | Error>()
  const task = tasks[place]
  useEffect(() => {
    setCompared(undefined)
    if (task) readComparison(client, task.itemHash).then(setCompared, setCompared)
  }, [client, task])
  if (!task) return null
  const key = task.taskId.toString()
  const now = said[key] ?? UNSAID
  const say = (change: Partial<Said>) => setSaid({ ...said, [key]: { ...now, ...change } })
  const judged = tasks.filter(({ taskId }) => said[taskId.toString()]?.choice !== undefined)
  const press = ({ key: pressed, target }: KeyboardEvent) => {
    const chosen = CHOICES.find(([, , one]) => one === pressed)
    if (chosen && !(target instanceof HTMLInputElement && target.type === 'range')) say({ choice: chosen[0] })
  }
  const commit = () => {
    const judgements = judged.map(({ taskId }) => ({ taskId: taskId.toString(), ...said[taskId.toString()] }))
    onJudged({ judgements: JSON.stringify(judgements) })
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys besides the buttons, which do the same
    <div className="desk" onKeyDown={press}>
      <p className="quiet">
        Comparison {place + 1} of {tasks.length}, of version {task.versionId}. Commit until{' '}
        {task.commitUntil.toLocaleString()}.
      </p>
      {compared instanceof Error ? (
        <p className="act-fault">{compared.message}</p>
      ) : (
        <>
          <pre className="desk-prompt">{compared?.prompt ?? 'Reading…'}</pre>
          <div className="desk-answers">
            {compared?.answers.map((answer, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the first and the second
              <section key={index} aria-label={index === 0 ? 'The first answer' : 'The second answer'}>
                <h3>{index === 0 ? 'First' : 'Second'}</h3>
                <pre>{answer}</pre>
              </section>
            ))}
          </div>
        </>
      )}
      <fieldset className="field">
        <legend>Which is better?</legend>
        <div className="act-row">
          {CHOICES.map(([value, title, shortcut]) => (
            <label key={value} className="choice">
              <input
                type="radio"
                name={`choice-${key}`}
                checked={now.choice === value}
                onChange={() => say({ choice: value })}
              />{' '}
              {title} <kbd>{shortcut}</kbd>
            </label>
          ))}
        </div>
      </fieldset>
      {CRITERIA.map(([name, title, hint]) => (
        <Rating key={name} title={title} hint={hint} value={now[name]} onChange={(value) => say({ [name]: value })} />
      ))}
      <Rating
        title="How sure are you, in percent?"
        hint="Confidence that is wrong costs more."
        value={now.confidence}
        onChange={(confidence) => say({ confidence })}
      />
      {fault && (
        <p className="act-fault" role="alert">
          {fault}
        </p>
      )}
      <p className="act-row">
        <button type="button" className="plain" disabled={place === 0} onClick={() => setPlace(place - 1)}>
          Back
        </button>
        <button
          type="button"
          className="act-button"
          disabled={place === tasks.length - 1}
          onClick={() => setPlace(place + 1)}
        >
          Next
        </button>
        <button type="button" className="act-button is-main" disabled={busy || judged.length === 0} onClick={commit}>
          {busy ? 'Checking…' : `Commit ${judged.length} of ${tasks.length}`}
        </button>
      </p>
    </div>
  )
}
