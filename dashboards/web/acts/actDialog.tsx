import { useState } from 'react'
import { formatEther } from 'viem'
import { ConnectChoice } from '../wallet/connectChoice.tsx'
import { Dialog } from '../wallet/dialog.tsx'
import { useSession } from '../wallet/session.ts'
import type { Ready } from '../wallet/sessionKinds.ts'
import { ActForm } from './actForm.tsx'
import { AnswerShown } from './answerShown.tsx'
import { CallForm } from './callForm.tsx'
import { ContributeForm } from './contributeForm.tsx'
import { type ActPlan, type ActWay, type Flow, hideAct, openAct, useFlow } from './flow.ts'
import { ACT_TITLES, type ActInputs, type ActName } from './inputs.ts'
import { JudgeForm } from './judgeForm.tsx'
import type { OwnFormProps } from './ownForm.ts'
import { performAct, planAct } from './performAct.ts'
import { ProposeForm } from './proposeForm.tsx'
import { RelayChoice } from './relayChoice.tsx'
import type { ShownStep } from './words.ts'

/** The dialog of the act that this page is in: from the form to the effect. */
export default function ActDialog() {
  const flow = useFlow()
  const session = useSession()
  if (!flow) return null
  return (
    <Dialog title={ACT_TITLES[flow.name]} onClose={hideAct} wide={flow.name === 'judge'}>
      {session.kind === 'ready' ? <Phase flow={flow} session={session} /> : <ConnectChoice session={session} />}
    </Dialog>
  )
}

function Phase({ flow, session }: { flow: Flow; session: Ready }) {
  const { name, given } = flow
  switch (flow.phase) {
    case 'form':
    case 'checking':
      return (
        <FormOf
          {...{ name, given, session }}
          fault={flow.phase === 'form' ? flow.fault : undefined}
          busy={flow.phase === 'checking'}
          onFilled={(input) => void planAct(name, input)}
        />
      )
    case 'review':
      return (
        <Review
          plan={flow.plan}
          onAgree={(way) => void performAct(name, flow.input, way)}
          onBack={() => openAct(name, given)}
        />
      )
    case 'running':
      return <Running flow={flow} />
    case 'done':
      return <Done flow={flow} />
    case 'failed':
      return (
        <>
          <p className="act-fault" role="alert">
            {flow.reason}
          </p>
          <p className="act-row">
            <button
              type="button"
              className="act-button is-main"
              onClick={() => void performAct(name, flow.input, flow.way)}
            >
              Try again
            </button>
            <button type="button" className="plain" onClick={hideAct}>
              Close
            </button>
          </p>
          <small>What was sent before is not sent twice.</small>
        </>
      )
  }
}

type FormProps = Omit<OwnFormProps<ActName>, 'onFilled'> & {
  name: ActName
  onFilled(input: ActInputs[ActName]): void
}

function FormOf({ name, ...rest }: FormProps) {
  if (name === 'contribute') return <ContributeForm {...rest} />
  if (name === 'propose') return <ProposeForm {...rest} />
  if (name === 'judge') return <JudgeForm {...rest} />
  if (name === 'call') return <CallForm {...rest} />
  return <ActForm name={name} account={rest.session.account} {...rest} />
}

interface ReviewProps {
  plan: ActPlan
  onAgree(way: ActWay): void
  onBack(): void
}

function Review({ plan, onAgree, onBack }: ReviewProps) {
  const { steps, gas, value, rest, says, relay: offer } = plan
  const [relay, setRelay] = useState(offer?.isPreferred ?? false)
  return (
    <>
      {says?.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {steps.length > 0 && (
        <p>
          {steps.length === 1 ? 'One transaction is ' : `${steps.length} transactions are `}
          {relay ? 'signed by you and sent by the relayer' : 'signed and sent'}
          {steps.length === 1 ? ':' : ', in this order:'}
        </p>
      )}
      <ol className="steps">
        {steps.map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a plan does not change
          <StepShown key={place} step={step} />
        ))}
      </ol>
      {rest && <p>{rest}</p>}
      {offer && <RelayChoice {...{ offer, relay, setRelay }} />}
      <dl className="balances">
        {value > 0n && (
          <div>
            <dt>Native tokens sent</dt>
            <dd>{formatEther(value)}</dd>
          </div>
        )}
        <div>
          <dt>Gas, at most</dt>
          <dd>
            {relay
              ? 'none: the relayer pays'
              : gas === undefined
                ? 'known after the first step'
                : `${costText(gas)} native tokens`}
          </dd>
        </div>
      </dl>
      <p className="act-row">
        <button type="button" className="act-button is-main" onClick={() => onAgree({ relay })}>
          {steps.length === 0 ? 'Agree and ask' : relay ? 'Sign only' : 'Sign and send'}
        </button>
        <button type="button" className="plain" onClick={onBack}>
          Back
        </button>
      </p>
      <small>Nothing has been signed yet. A wallet of your own shows what it signs once more.</small>
    </>
  )
}

/** With about four significant digits, rounded up. */
function costText(wei: bigint): string {
  const digits = Math.max(0, wei.toString().length - 4)
  const unit = 10n ** BigInt(digits)
  return formatEther(((wei + unit - 1n) / unit) * unit)
}

function StepShown({ step }: { step: ShownStep }) {
  return (
    <li>
      {step.words}
      <details>
        <summary>
          <code>{step.name}</code>
        </summary>
        <pre>{step.detail}</pre>
      </details>
    </li>
  )
}

function Running({ flow }: { flow: Extract<Flow, { phase: 'running' }> }) {
  const { progress, hash, asking } = flow
  if (asking)
    return (
      <>
        <p>One more thing is to be signed:</p>
        <ol className="steps">
          <StepShown step={asking.step} />
        </ol>
        <p className="act-row">
          <button type="button" className="act-button is-main" onClick={() => asking.answer(true)}>
            Sign
          </button>
          <button type="button" className="plain" onClick={() => asking.answer(false)}>
            Stop here
          </button>
        </p>
      </>
    )
  return (
    <>
      <p role="status" className="act-progress">
        <i aria-hidden="true" /> {progress}
      </p>
      {flow.name === 'call' && <AnswerShown />}
      {hash && <Hash hash={hash} />}
      <small>You can close this: it goes on. After a reload, continue it from your account.</small>
    </>
  )
}

function Done({ flow }: { flow: Extract<Flow, { phase: 'done' }> }) {
  const { said, effect, hash, isFinal } = flow
  return (
    <>
      <p role="status" className="act-done">
        <strong>{said}</strong>
      </p>
      {flow.name === 'call' && <AnswerShown />}
      {effect && <p>{effect}</p>}
      {hash && (
        <p className="quiet">
          {isFinal
            ? 'It is final: no reorganisation of the chain takes it back.'
            : 'The index has it. It is provisional until its block is final.'}
        </p>
      )}
      {hash && <Hash hash={hash} />}
      <p className="act-row">
        <button type="button" className="act-button is-main" onClick={hideAct}>
          Close
        </button>
      </p>
    </>
  )
}

const Hash = ({ hash }: { hash: string }) => (
  <p className="full-address">
    <small>Transaction</small> <code>{hash}</code>
  </p>
)
