import { writeFile } from 'node:fs/promises'
import { alertRules } from './alerts.ts'

/** `node --import tsx dashboards/emitAlerts.ts` writes the rule file of Prometheus. */
await writeFile(new URL('./alerts.yml', import.meta.url), alertRules())
