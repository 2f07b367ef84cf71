import { useId, useState } from 'react'
import { randomHex } from '#client/randomHex.ts'
import { openAct } from './flow.ts'
import type { OwnFormProps } from './ownForm.ts'

const MAX_TOKENS = 256

/** The playground: a prompt, and how long the answer may be. */
export function CallForm({ given, fault, busy, onFilled }: OwnFormProps<'call'>) {
  const id = useId()
  const [prompt, setPrompt] = useState('')
  const [maxTokens, setMaxTokens] = useState(String(MAX_TOKENS))
  const [key] = useState(randomHex)
  const endpointId = given.endpointId ?? ''
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (prompt.trim() && Number(maxTokens) > 0) onFilled({ endpointId, prompt, maxTokens, key })
      }}
    >
      <p>
        You ask endpoint {endpointId}. The answer is paid from your credit with it, and comes with a receipt that this
        browser checks.
      </p>
      <div className="field">
        <label htmlFor={`${id}-prompt`}>Prompt</label>
        <textarea
          id={`${id}-prompt`}
          rows={5}
          required
          value={prompt}
          onChange={(event) => setPrompt(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-tokens`}>Tokens of the answer, at most</label>
        <input
          id={`${id}-tokens`}
          type="number"
          min={1}
          max={32_768}
          required
          value={maxTokens}
          onChange={(event) => setMaxTokens(event.target.value)}
        />
      </div>
      {fault && (
        <p className="act-fault" role="alert">
          {fault}
        </p>
      )}
      <p className="act-row">
        <button type="submit" className="act-button is-main" disabled={busy}>
          {busy ? 'Checking…' : 'Check what it costs'}
        </button>
        <button type="button" className="act-button" onClick={() => openAct('deposit', { endpointId })}>
          Deposit credit
        </button>
      </p>
    </form>
  )
}
