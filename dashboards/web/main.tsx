import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { open } from './data/house.ts'
import { Page } from './page.tsx'
import './style/tokens.css'
// What narrow screens change stands at the end of page.css and panels.css, after the parts.
import './style/lifecycle.css'
import './style/page.css'
import './style/work.css'
import './style/people.css'
import './style/panels.css'
import './style/figures.css'

open()
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
