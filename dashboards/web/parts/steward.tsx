import { ago } from '#client/ago.ts'
import { ActButton } from '../acts/actButton.tsx'
import { useClockOffset } from '../data/chainClock.ts'
import type { StewardAnswer } from '../data/documents/overview.ts'
import { gopen } from '../say/figures.ts'
import { plainReason } from '../say/reason.ts'
import { type KeptModel, type NextStep, resultOf, stateOf, stepsOf, stepTitle, type TakenStep } from '../say/steward.ts'
import { useNow } from './now.ts'
import { PageLink } from './pageLink.tsx'
import { Empty, Panel } from './panel.tsx'
import { useSpecification } from './specification.ts'

const SHOWN = 5

/** What happens by itself for each model, what comes next, and why. */
export function StewardPanel({ steward }: { steward: StewardAnswer | null }) {
  const now = useNow(1000)
  const models = steward?.stewardships.nodes ?? []
  const settlements = stepsOf(steward?.next.nodes ?? [], null)
  const settled = stepsOf(steward?.taken.nodes ?? [], null)
  return (
    <Panel
      id="steward"
      title="What happens next"
      says="The steward takes each step when its facts are there, by the community’s policy. Nobody has to ask for it."
      aside={<Alarms models={models} />}
    >
      {models.length === 0 ? (
        <Empty ready={steward !== null}>
          No model has a mandate yet. When a vote has given one, the steward tells here what it waits for.
        </Empty>
      ) : (
        <ul className="stewards">
          {models.map((model) => (
            <ModelSteps
              key={model.id}
              model={model}
              next={stepsOf(steward?.next.nodes ?? [], model.id)}
              taken={stepsOf(steward?.taken.nodes ?? [], model.id)}
              now={now}
            />
          ))}
          {settlements.length + settled.length > 0 && (
            <li className="steward">
              <header>
                <h3>
                  Settlements <small>of all models</small>
                </h3>
              </header>
              <Steps next={settlements} taken={settled} now={now} />
            </li>
          )}
        </ul>
      )}
    </Panel>
  )
}

/** Models that go on only when somebody acts. */
function Alarms({ models }: { models: readonly KeptModel[] }) {
  const held = models.filter(({ state }) => state === 'Held').length
  if (models.length === 0) return null
  return held > 0 ? (
    <span className="chip is-bad" role="status">
      {held === 1 ? '1 model is held' : `${held} models are held`}
    </span>
  ) : (
    <span className="chip is-good">no alarm</span>
  )
}

interface StepsProps {
  next: readonly NextStep[]
  taken: readonly TakenStep[]
  now: number
}

function ModelSteps({ model, ...steps }: StepsProps & { model: KeptModel }) {
  const specification = useSpecification(model.model?.specHash)
  const { title, tone } = stateOf(model.state)
  return (
    <li className={`steward is-${model.state.toLowerCase()}`} data-steward={model.id}>
      <header>
        <h3>
          <PageLink kind="model" id={model.id}>
            {specification?.name ?? `Model ${model.id}`}
          </PageLink>
        </h3>
        <span className={`chip ${tone}`}>{title}</span>
        {model.state !== 'Paused' && <ActButton act="pauseSteward" given={{ modelId: model.id }} />}
        {(model.state === 'Paused' || model.state === 'Held') && (
          <ActButton act="resumeSteward" given={{ modelId: model.id }} />
        )}
      </header>
      <p className="steward-why">
        {plainReason(model.explanation)} <small>Found {ago(model.decidedAt, steps.now)}.</small>
      </p>
      <Steps {...steps} />
    </li>
  )
}

function Steps({ next, taken, now }: StepsProps) {
  const offset = useClockOffset() // the steward counts by the chain’s clock
  return (
    <div className="steps-in">
      <section>
        <h4>Next</h4>
        {next.length === 0 && <p className="empty">Nothing waits.</p>}
        <ol className="steps">
          {next.slice(0, SHOWN).map((step) => (
            <li key={step.id}>
              <b>{stepTitle(step.name)}</b>
              <span>
                waits for {step.waitsFor}
                {step.dueAt && `, due ${ago(step.dueAt, now + offset)} at the latest`}
              </span>
              <small>
                {plainReason(step.reason)}
                <Cost wei={step.cost} />
              </small>
            </li>
          ))}
        </ol>
      </section>
      <section>
        <h4>Last steps</h4>
        {taken.length === 0 && <p className="empty">None was taken yet.</p>}
        <ul className="steps">
          {taken.slice(0, SHOWN).map((step) => {
            const { title, tone, because } = resultOf(step)
            return (
              <li key={step.id}>
                <b>
                  {stepTitle(step.name)} <i className={`chip ${tone}`}>{title}</i>
                </b>
                <span>{ago(step.decidedAt, now)}</span>
                <small>
                  {plainReason(step.reason)}
                  <Cost wei={step.cost} />
                </small>
                {because && <p className="job-error">{because}</p>}
              </li>
            )
          })}
        </ul>
      </section>
    </div>
  )
}

const Cost = ({ wei }: { wei: string }) => (wei === '0' ? null : <> Costs {gopen(wei)} gOPEN.</>)
