import type { QueryRunner } from 'typeorm'
import { Migration } from './migration.ts'

/** The database keeps each account's balance, and rejects invalid postings by it: their time no longer grows with the ledger. Accounts are of channels and
 *  calls now. The ledger is empty afterwards: workers post it anew from the final events, which have all of it. A worker of the release before cannot
 *  post meanwhile, because it names no block. */
export class LedgerBalances extends Migration {
  name = 'LedgerBalances1700000000024'

  async up(query: QueryRunner) {
    await query.query(`TRUNCATE "ledger_transfer"`)
    await query.query(`ALTER TABLE "ledger_transfer" ADD "block" bigint NOT NULL`)
    await query.query(`ALTER TABLE "ledger_transfer" ALTER COLUMN "event" DROP NOT NULL`)
    await query.query(`CREATE INDEX "IDX_3706a7f06af4d155492d643300" ON "ledger_transfer" ("block")`)
    await query.query(
      `CREATE TABLE "ledger_balance" ("id" text NOT NULL, "balance" numeric(78,0) NOT NULL, CONSTRAINT "PK_791eeae1c537cb085f3f1f4b0f4" PRIMARY KEY ("id"))`,
    )
    await query.query(`ALTER TABLE "credit_hold" ADD "is_settled" boolean NOT NULL DEFAULT false`)
    await query.query(`CREATE INDEX "credit_hold_unsettled" ON "credit_hold" (created_at) WHERE not is_settled`)
    await query.query(`DROP TRIGGER ledger_guard ON ledger_transfer`)
    await query.query(`DROP FUNCTION ledger_guard()`)
    await query.query(`
      create function ledger_only_added() returns trigger language plpgsql as $$
      begin
        raise exception 'The ledger is only added to: correct transfer % by a new one', old.id;
      end $$`)
    await query.query(
      `create trigger ledger_only_added before update or delete on ledger_transfer for each row execute function ledger_only_added()`,
    )
    await query.query(`
      create function ledger_post() returns trigger language plpgsql as $$
      declare wrong record;
      begin
        select * into wrong from added where amount <= 0 or debit = credit limit 1;
        if found then
          raise exception 'Transfer % moves % from % to %: it must move a positive amount between two accounts', wrong.id, wrong.amount, wrong.debit, wrong.credit;
        end if;
        insert into ledger_balance as known (id, balance)
          select account, sum(amount) from (select credit as account, amount from added union all select debit, -amount from added) moved
          group by account order by account
          on conflict (id) do update set balance = known.balance + excluded.balance;
        select b.* into wrong from ledger_balance b where b.balance < 0 and b.id <> 'deposits' and b.id in (select debit from added) limit 1;
        if found then
          raise exception 'The transfers would overdraw %: it would have %', wrong.id, wrong.balance;
        end if;
        return null;
      end $$`)
    await query.query(
      `create trigger ledger_post after insert on ledger_transfer referencing new table as added for each statement execute function ledger_post()`,
    )
    await query.query(`
      create function ledger_balance_guard() returns trigger language plpgsql as $$
      begin
        if pg_trigger_depth() = 1 then
          raise exception 'Balances of the ledger follow from its transfers: add a transfer';
        end if;
        return null;
      end $$`)
    await query.query(
      `create trigger ledger_balance_guard before insert or update or delete on ledger_balance for each statement execute function ledger_balance_guard()`,
    )
  }
}
