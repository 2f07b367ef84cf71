import { type FormEvent, useId, useState } from 'react'
import { isAddress, parseEther } from 'viem'
import { FORMS, type FormField, type Options, type OwnForm } from './forms.ts'
import type { ActInputs, ActName } from './inputs.ts'

interface ActFormProps {
  name: Exclude<ActName, OwnForm>
  given: Readonly<Record<string, string>>
  /** The connected account. */
  account: string
  fault?: string
  busy: boolean
  onFilled(input: ActInputs[ActName]): void
}

/** Asks what an act needs, and says what is wrong with it beside the field. */
export function ActForm({ name, given, account, fault, busy, onFilled }: ActFormProps) {
  const { says, fields, button = 'Check what it costs' } = FORMS[name]
  const [faults, setFaults] = useState<Record<string, string>>({})
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const entered = new FormData(event.currentTarget)
    const input: Record<string, string> = {}
    const found: Record<string, string> = {}
    for (const field of fields) {
      const text = field.kind === 'given' ? (given[field.name] ?? '') : String(entered.get(field.name) ?? '').trim()
      const read = readField(field, optionsOf(field, given), text)
      if (typeof read === 'string') input[field.name] = read
      else found[field.name] = read.fault
    }
    setFaults(found)
    if (Object.keys(found).length === 0) onFilled(input as unknown as ActInputs[ActName])
  }
  const first = (field: FormField) => given[field.name] ?? (field.kind === 'address' ? account : '')
  return (
    <form onSubmit={submit} noValidate>
      <p>{says}</p>
      {fields.map(
        (field) =>
          field.kind !== 'given' && (
            <InputField
              key={field.name}
              field={field}
              options={optionsOf(field, given)}
              first={first(field)}
              fault={faults[field.name]}
            />
          ),
      )}
      {fault && (
        <p className="act-fault" role="alert">
          {fault}
        </p>
      )}
      <p className="act-row">
        <button type="submit" className="act-button is-main" disabled={busy}>
          {busy ? 'Checking…' : button}
        </button>
      </p>
    </form>
  )
}

const optionsOf = ({ options = [] }: FormField, given: Readonly<Record<string, string>>): Options =>
  typeof options === 'function' ? options(given) : options

interface InputFieldProps {
  field: FormField
  options: Options
  first: string
  fault?: string
}

function InputField({ field, options, first, fault }: InputFieldProps) {
  const id = useId()
  const { name, label, hint, kind } = field
  const about = {
    'aria-invalid': fault ? true : undefined,
    'aria-describedby': hint || fault ? `${id}-hint` : undefined,
  }
  if (kind === 'choice')
    return (
      <fieldset className="field" {...about}>
        <legend>{label}</legend>
        <div className="act-row">
          {options.map(([value, title]) => (
            <label key={value} className="choice">
              <input type="radio" name={name} value={value} defaultChecked={first === value} /> {title}
            </label>
          ))}
        </div>
        <Hint id={`${id}-hint`} hint={hint} fault={fault} />
      </fieldset>
    )
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {kind === 'select' ? (
        <select id={id} name={name} defaultValue={first} {...about}>
          {options.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      ) : kind === 'long' ? (
        <textarea id={id} name={name} rows={4} defaultValue={first} {...about} />
      ) : (
        <input
          id={id}
          name={name}
          type="text"
          inputMode={kind === 'amount' ? 'decimal' : undefined}
          autoComplete="off"
          spellCheck={false}
          defaultValue={first}
          {...about}
        />
      )}
      <Hint id={`${id}-hint`} hint={hint} fault={fault} />
    </div>
  )
}

function Hint({ id, hint, fault }: { id: string; hint?: string; fault?: string }) {
  if (!hint && !fault) return null
  return (
    <small id={id}>
      {fault && <strong className="bad">{fault} </strong>}
      {hint}
    </small>
  )
}

/** What was entered as the act takes it, or what is wrong with it. */
function readField({ kind, optional = false }: FormField, options: Options, text: string): string | { fault: string } {
  if (kind === 'amount') return readAmount(text, optional)
  if (kind === 'address')
    return isAddress(text, { strict: false }) ? text : { fault: 'An address has 0x and 40 hex digits.' }
  if (kind === 'choice') return options.some(([value]) => value === text) ? text : { fault: 'Choose one.' }
  return text || optional ? text : { fault: 'This is needed.' }
}

function readAmount(text: string, optional: boolean): string | { fault: string } {
  if (text === '' && optional) return '0'
  if (!/^\d{1,30}([.]\d{1,18})?$/.test(text)) return { fault: 'A number such as 1 or 0.25, with at most 18 decimals.' }
  const wei = parseEther(text)
  return wei > 0n || optional ? wei.toString() : { fault: 'More than 0.' }
}
