import { setTimeout as sleep } from 'node:timers/promises'
import { SCALES } from '#example/recipe.ts'
import { openStory } from '#example/story/context.ts'
import { playExample } from '#example/story/index.ts'
import type { Database } from '#schema/database.ts'
import { watchForetold } from './steward/foretold.ts'
import { liveAnHour } from './steward/hour.ts'
import { openStewardedSystem } from './steward/stewards.ts'

const SEED = 7

/**
 * `npm run check -- steward`: the example's people contribute, judge, call and claim, and two stewards on two workers do the rest; then an hour of
 * simulated time passes, in which some give samples. Each step is done once, and none comes as a surprise to who reads what comes next.
 * @returns whether all of that held.
 */
export async function checkSteward(json = false): Promise<boolean> {
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1000)
  const say = json ? () => {} : (line: string) => console.log(`${String(seconds()).padStart(5)} s ${line}`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)))
  const stewarded = await openStewardedSystem(stop.signal)
  const { system, db } = stewarded
  const faults: string[] = []
  const watch = watchForetold(db)
  try {
    const { url, rpcUrl } = system
    const place = { seed: SEED, url, rpcUrl, say, signal: stop.signal }
    const { stages } = await playExample({ ...place, scale: 'small' })
    // The small scale has too little data for some of the example's own checks.
    for (const { name, ok, facts } of stages) if (!ok) say(`${name} is not as at full scale: ${facts.failed}`)
    faults.push(
      ...stages
        .filter(({ name, ok }) => name.startsWith('reward') && !ok)
        .map(({ name, facts }) => `${name}: ${facts.failed}`),
    )
    say('an hour passes')
    faults.push(...(await liveAnHour(await openStory({ ...place, recipe: SCALES.small }), stewarded)))
    await sleep(1000)
    faults.push(...(await watch.stop()).map((id) => `${id} came without having been told`))
    faults.push(...(await doubled(db)), ...(await byHand(db)))
    const steps = await countSteps(db)
    say(JSON.stringify(steps))
    for (const name of ['score', 'train', 'evaluate', 'promote', 'judge', 'settle', 'align', 'follow'])
      if (!steps[name]) faults.push(`the stewards never took the step ${name}`)
    for (const fault of faults) console.log(`  ${fault}`)
    console.log(JSON.stringify({ check: 'steward', ok: faults.length === 0, steps, faults, seconds: seconds() }))
    return faults.length === 0
  } finally {
    await watch.stop()
    await stewarded.close()
  }
}

async function countSteps(db: Database): Promise<Record<string, number>> {
  const { rows } = await db.query<{ name: string; count: number }>(
    'select name, count(*)::int as count from steward_step where job_id is not null group by name order by name',
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** Facts of the chain that were made twice, and jobs that failed. */
async function doubled(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ fault: string }>(
    `select 'version ' || version_id || ' has two evaluations of ' || metric as fault from evaluation
       where to_block is null group by version_id, metric having count(*) > 1
     union all select 'version ' || version_id || ' was judged in ' || count(distinct round_id) || ' rounds' from feedback_task
       where to_block is null group by version_id having count(distinct round_id) > 1
     union all select 'contribution ' || (args->>'contributionId') || ' was scored twice' from chain_event
       where name = 'ContributionScored' and to_block is null group by args->>'contributionId' having count(*) > 1
     union all select 'dataset ' || dataset_root || ' was trained on twice' from model_version
       where to_block is null group by dataset_root having count(*) > 1
     union all select 'job ' || id || ' (' || kind || ') is ' || status || ': ' || coalesce(error->>'message', '') from job_run
       where status in ('Failed', 'Cancelled') and error->>'code' is distinct from 'NEEDS_VOTE'`, // a dispute that nobody but the voters may decide
  )
  return rows.map(({ fault }) => fault)
}

/** Jobs of the operator that no steward asked for: redemptions and epochs have a policy of their own, and disputes are resolved by whoever has the resolver's key. */
async function byHand(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ kind: string; id: string }>(
    `select kind, id from job_run j where kind not in ('infer', 'attribute', 'redeem', 'settleEpoch', 'resolveDispute')
       and not exists (select 1 from steward_step s where s.job_id = j.id)`,
  )
  return rows.map(({ kind, id }) => `nobody knows who asked for ${kind} ${id}`)
}
