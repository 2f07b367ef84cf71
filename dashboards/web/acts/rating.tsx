import { useId } from 'react'

interface RatingProps {
  title: string
  hint: string
  /** 0 to 100. */
  value: number
  onChange(value: number): void
}

/** A number from 0 to 100, of the answer that is preferred. */
export function Rating({ title, hint, value, onChange }: RatingProps) {
  const id = useId()
  return (
    <div className="field rating">
      <label htmlFor={id}>{title}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={5}
        value={value}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{value}</output>
      <small id={`${id}-hint`}>{hint}</small>
    </div>
  )
}
