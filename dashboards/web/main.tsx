import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { startNews } from './data/news.ts'
import './style/tokens.css'
// What narrow screens change stands at the end of page.css and panels.css, after the parts.
import './style/lifecycle.css'
import './style/page.css'
import './style/app.css'
import './style/work.css'
import './style/people.css'
import './style/panels.css'
import './style/figures.css'
import './style/acts.css'

startNews()
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
