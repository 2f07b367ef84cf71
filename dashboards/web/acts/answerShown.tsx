import { useAnswer } from './answer.ts'

/** The answer of a call as it comes, and what this browser found about its receipt. */
export function AnswerShown() {
  const { text, receipt, verdict } = useAnswer()
  return (
    <section className="answer" aria-label="The answer">
      <pre aria-live="polite" aria-busy={!receipt}>
        {text || '…'}
      </pre>
      {verdict &&
        (verdict.valid ? (
          <p className="quiet">
            The receipt is right: <code>{verdict.signer}</code>, the host of the endpoint, has signed it, with this
            prompt, answer and fee.
          </p>
        ) : (
          <p className="act-fault" role="alert">
            The receipt is wrong. {verdict.problems.join(' ')}
          </p>
        ))}
      {receipt && (
        <details>
          <summary>The receipt</summary>
          <pre>{JSON.stringify(receipt, null, 1)}</pre>
        </details>
      )}
    </section>
  )
}
