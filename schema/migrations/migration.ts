import type { MigrationInterface } from 'typeorm'

export interface Migration extends MigrationInterface {
  name: string
  /** Whether programs of the release before work with the schema that it leaves: it only adds what they do not have to fill, and removes or
   *  renames nothing that they use. Then services of both releases may run side by side (`docs/upgrades.md`). */
  compatible?: boolean
}
