import { useEffect, useState } from 'react'
import { type JudgingDuties, judgingDuties } from '#client/reads/judgingDuties.ts'
import { counted } from '../say/figures.ts'
import { openAct } from './flow.ts'
import { JudgingDesk } from './judgingDesk.tsx'
import type { OwnFormProps } from './ownForm.ts'

/** What an account has to judge and to reveal, and the desk. */
export function JudgeForm({ session, fault, busy, onFilled }: OwnFormProps<'judge'>) {
  const { client } = session
  const [found, setFound] = useState<JudgingDuties | Error>()
  useEffect(() => {
    judgingDuties(client).then(setFound, setFound)
  }, [client])
  if (!found) return <p className="quiet">Reading what there is to judge…</p>
  if (found instanceof Error)
    return (
      <p className="act-fault" role="alert">
        {found.message}
      </p>
    )
  const { toJudge, toReveal, waiting, missed, undrawn } = found
  const until = waiting.map(({ commitUntil }) => commitUntil.getTime())
  return (
    <>
      {toReveal.length > 0 && (
        <p className="act-row">
          {counted(toReveal.length, 'judgement')} can be revealed now; what is not revealed in time is fined.
          <button
            type="button"
            className="act-button is-main"
            onClick={() => openAct('reveal', { tasks: toReveal.map(({ taskId }) => taskId).join(',') })}
          >
            Reveal
          </button>
        </p>
      )}
      {undrawn.map((roundId) => (
        <p key={String(roundId)} className="act-row">
          The seats of round {String(roundId)} are not drawn.
          <button
            type="button"
            className="act-button"
            onClick={() => openAct('drawSeats', { roundId: String(roundId) })}
          >
            Draw them
          </button>
        </p>
      ))}
      {waiting.length > 0 && (
        <p>
          {counted(waiting.length, 'judgement')} committed. Reveal them from{' '}
          {new Date(Math.min(...until)).toLocaleString()} on, by the chain’s clock, with this browser.
        </p>
      )}
      {missed.length > 0 && <p className="bad">{counted(missed.length, 'judgement')} were not revealed in time.</p>}
      {toJudge.length > 0 ? (
        <JudgingDesk client={client} tasks={toJudge} fault={fault} busy={busy} onJudged={onFilled} />
      ) : (
        <>
          <p>You have no seat at an open comparison. Seats are drawn by stake when a round opens.</p>
          <p className="act-row">
            <button type="button" className="act-button" onClick={() => openAct('stakeAsValidator')}>
              Stake to judge
            </button>
          </p>
        </>
      )}
    </>
  )
}
