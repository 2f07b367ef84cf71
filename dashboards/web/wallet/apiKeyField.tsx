import { useId, useState } from 'react'
import { apiKey, keepApiKey } from './apiKey.ts'
import { connectLast } from './session.ts'

/** The key of an API that wants one: to publish samples, to ask models, to read one's own receipts. */
export function ApiKeyField() {
  const id = useId()
  const [key, setKey] = useState(apiKey() ?? '')
  return (
    <details className="contracts">
      <summary>A key of this API, where it wants one</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          keepApiKey(key.trim())
          connectLast()
        }}
      >
        <div className="field">
          <label htmlFor={id}>Key</label>
          <input
            id={id}
            type="password"
            autoComplete="off"
            aria-describedby={`${id}-hint`}
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
          <small id={`${id}-hint`}>
            Its operator gives it to you. It is kept until you close this tab, and sent to this page’s own server alone.
          </small>
        </div>
        <p className="act-row">
          <button type="submit" className="act-button">
            Use it
          </button>
        </p>
      </form>
    </details>
  )
}
