import type { MigrationInterface, QueryRunner } from 'typeorm'

export abstract class Migration implements MigrationInterface {
  abstract name: string
  /** Whether programs of the release before work with the schema that it leaves: it only adds what they do not have to fill, and removes or
   *  renames nothing that they use. Then services of both releases may run side by side (`docs/upgrades.md`). */
  compatible = false

  abstract up(query: QueryRunner): Promise<void>

  async down() {
    throw new Error('Migrations run forward only: restore a backup to go back.')
  }
}
