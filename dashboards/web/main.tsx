import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { open } from './data/house.ts'
import { Page } from './page.tsx'
import './style/tokens.css'
import './style/page.css'
import './style/panels.css'
import './style/figures.css'

open()
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
