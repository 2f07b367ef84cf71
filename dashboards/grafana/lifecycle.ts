import { DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as Series } from '@grafana/grafana-foundation-sdk/timeseries'
import { POSTGRES, sql } from './sources.ts'

const stat = (title: string, says: string, rawSql: string) =>
  new Stat().title(title).description(says).datasource(POSTGRES).span(4).height(4).withTarget(sql(rawSql))

const table = (title: string, says: string, rawSql: string, wide = 12) =>
  new Table().title(title).description(says).datasource(POSTGRES).span(wide).height(9).withTarget(sql(rawSql))

/** For everyone: the state of the lifecycle, read from the tables. Amounts are in gOPEN. */
export const lifecycleBoard = () =>
  new DashboardBuilder('ModelCommons: lifecycle')
    .uid('modelcommons-lifecycle')
    .tags(['modelcommons'])
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .withRow(new RowBuilder('Overview'))
    .withPanel(stat('Models', 'Proposed.', 'select count(*) from model where to_block is null'))
    .withPanel(
      stat(
        'Samples accepted',
        'Of all datanets.',
        `select count(*) from contribution where to_block is null and status = 'Accepted'`,
      ),
    )
    .withPanel(stat('Versions', 'Trained.', 'select count(*) from model_version where to_block is null'))
    .withPanel(stat('Judgements', 'Committed by validators.', 'select count(*) from judgement where to_block is null'))
    .withPanel(stat('Calls', 'Answered.', 'select count(*) from receipt'))
    .withPanel(
      stat(
        'Rewards',
        'Payable, in gOPEN.',
        `select coalesce(sum(total), 0) / 1e18 from reward_map where to_block is null and status = 'Published'`,
      ),
    )
    .withRow(new RowBuilder('Training'))
    .withPanel(
      new Series()
        .title('Curves of the newest training jobs')
        .description('The time of a point is its job’s start plus one second for each step.')
        .datasource(POSTGRES)
        .span(24)
        .height(9)
        .withTarget(
          sql(
            `select j.started_at + m.step * interval '1 second' as time, j.kind || ' ' || m.name as metric, m.value
             from job_metric m join (select * from job_run where kind in ('fineTune', 'rlhf') and started_at is not null order by created_at desc limit 4) j
             on j.id = m.job_id where m.name <> 'learningRate' order by 1`,
            'time_series',
          ),
        ),
    )
    .withRow(new RowBuilder('Versions and votes'))
    .withPanel(
      table(
        'Scores against targets',
        'A version may serve only if the lower bound reaches the target.',
        `select v.id as version, v.method, v.status, e.metric, e.score / 10000 as score, e.lower / 10000 as lower, e.upper / 10000 as upper, t.minimum / 10000 as target
         from evaluation e join model_version v on v.id = e.version_id and v.to_block is null
         left join target t on t.model_id = v.model_id and t.metric = e.metric and t.to_block is null
         where e.to_block is null order by e.logged_at desc limit 100`,
      ),
    )
    .withPanel(
      table(
        'Proposals',
        'Votes in gOPEN.',
        `select id, for_votes / 1e18 as "for", against_votes / 1e18 as against, abstain_votes / 1e18 as abstain, quorum / 1e18 as quorum, executed, canceled
         from proposal where to_block is null order by created_at desc limit 20`,
      ),
    )
    .withRow(new RowBuilder('Money and people'))
    .withPanel(
      table(
        'Contributors',
        'Accepted samples, and what they earned in published maps.',
        `select c.contributor, count(*) as samples, count(*) filter (where c.status = 'Accepted') as accepted, round(avg(c.uniqueness) / 10000, 1) as "unique %",
         (select coalesce(sum(l.amount), 0) / 1e18 from reward_line l join reward_map m on m.id = l.map_id and m.to_block is null and m.status = 'Published' where l.account = c.contributor) as earned
         from contribution c where c.to_block is null group by c.contributor order by earned desc limit 50`,
      ),
    )
    .withPanel(
      table(
        'Rewards by role',
        'For every published epoch.',
        `select m.epoch, l.role, count(*) as lines, sum(l.amount) / 1e18 as amount from reward_line l
         join reward_map m on m.id = l.map_id and m.to_block is null and m.status = 'Published' group by m.epoch, l.role order by m.epoch desc, amount desc`,
      ),
    )
    .withPanel(
      table(
        'Validators',
        'Earned and lost, in gOPEN.',
        `select v.id as validator, v.stake / 1e18 as stake, v.earned / 1e18 as earned, v.lost / 1e18 as lost, r.domain, r.value / 10000.0 as reputation, r.tier
         from validator v left join reputation r on r.validator = v.id and r.to_block is null where v.to_block is null order by v.earned desc limit 50`,
      ),
    )
    .withPanel(
      table(
        'Disputes',
        'Disputes and their outcomes.',
        `select id, subject, subject_id, outcome, bond / 1e18 as bond, slashed / 1e18 as slashed, opened_at, resolved_at from dispute
         where to_block is null order by opened_at desc limit 50`,
      ),
    )
