import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** The database rejects invalid postings: nothing is moved from an account to itself, the amount is positive,
 *  nothing is changed or deleted, and no account but the outside world is overdrawn. */
export class LedgerGuard extends Migration {
  name = 'LedgerGuard1700000000005'

  async up(query: QueryRunner) {
    await query.query(`
      create function ledger_guard() returns trigger language plpgsql as $$
      begin
        if tg_op <> 'INSERT' then
          if tg_op = 'UPDATE' and new is not distinct from old then return new; end if;
          raise exception 'The ledger is only added to: correct transfer % by a new one', old.id;
        end if;
        if new.amount <= 0 or new.debit = new.credit then
          raise exception 'Transfer % moves % from % to %: it must move a positive amount between two accounts', new.id, new.amount, new.debit, new.credit;
        end if;
        if new.debit <> 'deposits' and (
          select coalesce(sum(case when credit = new.debit then amount else -amount end), 0) from ledger_transfer
          where credit = new.debit or debit = new.debit) < new.amount then
          raise exception 'Transfer % would overdraw %', new.id, new.debit;
        end if;
        return new;
      end $$`)
    await query.query(
      `create trigger ledger_guard before insert or update or delete on ledger_transfer for each row execute function ledger_guard()`,
    )
  }
}
