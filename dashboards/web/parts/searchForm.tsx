import { useState } from 'react'
import { useLocation } from 'wouter'
import { pathOf } from '../paths.ts'

/** Finds models, proposals, accounts and samples. */
export function SearchForm({ text = '', label = 'Search' }: { text?: string; label?: string }) {
  const [value, setValue] = useState(text)
  const [, navigate] = useLocation()
  return (
    <search className="search-in">
      <form
        className="search"
        onSubmit={(event) => {
          event.preventDefault()
          if (value.trim()) navigate(pathOf.search(value.trim()))
        }}
      >
        <input
          type="search"
          name="q"
          value={value}
          maxLength={200}
          placeholder="Search models, people, samples …"
          aria-label={label}
          onChange={(event) => setValue(event.target.value)}
        />
        <button type="submit">Search</button>
      </form>
    </search>
  )
}
