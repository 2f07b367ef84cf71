import { useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { LISTS } from '../paths.ts'

/** Below which list a page stands. */
const LIST_OF: Record<string, string> = {
  versions: '/models',
  endpoints: '/models',
  lineage: '/models',
  comparisons: '/models',
  contributions: '/datanets',
}

const listOf = (path: string) => {
  const [, folder = ''] = path.split('/')
  return LIST_OF[folder] ?? `/${folder}`
}

/** The lists of everything; on a phone behind a button. */
export function Navigation() {
  const [path] = useLocation()
  const [isOpen, setOpen] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu
  useEffect(() => setOpen(false), [path])
  return (
    <nav className={isOpen ? 'nav is-open' : 'nav'} aria-label="Pages">
      <button type="button" aria-expanded={isOpen} aria-controls="nav-list" onClick={() => setOpen(!isOpen)}>
        Menu
      </button>
      <ul id="nav-list">
        {LISTS.map((list) => (
          <li key={list.path}>
            <Link href={list.path} aria-current={listOf(path) === list.path ? 'page' : undefined}>
              {list.title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
