/** A hand-written statement for the lineage of one version: $1 the version, $2 the number of generations, $3 the block. Its first
 *  1,000 edges: by relation, then the largest amounts first. */
export const HAND_WRITTEN = `
with recursive line as (
  select id, model_id, parent_id, method, 0 as depth from model_version
  where id = $1 and from_block <= $3 and (to_block is null or to_block > $3)
  union all
  select p.id, p.model_id, p.parent_id, p.method, line.depth + 1
  from line join model_version p on p.id = line.parent_id
  where line.depth < $2 and p.from_block <= $3 and (p.to_block is null or p.to_block > $3)
), models as (
  select m.id, m.proposer, m.proposal_id from model m
  where m.id in (select model_id from line) and m.from_block <= $3 and (m.to_block is null or m.to_block > $3)
)
select * from (
(select 0 as rank, 'parent' as relation, 'ModelVersion:' || p.id as source, p.method as label, 'ModelVersion:' || line.id as target, null::numeric as amount
 from line join line p on p.id = line.parent_id limit 1000)
union all
(select 1, 'model', 'Model:' || m.id, m.proposer, 'ModelVersion:' || line.id, null from line join models m on m.id = line.model_id limit 1000)
union all
(select 2, 'proposal', 'Proposal:' || p.id, left(c.description, 120), 'Model:' || m.id, null
 from models m join proposal p on p.id = m.proposal_id
 join proposal_content c on c.id = p.id and c.from_block <= $3 and (c.to_block is null or c.to_block > $3)
 where p.from_block <= $3 and (p.to_block is null or p.to_block > $3) limit 1000)
union all
(select 7, 'vote', 'Vote:' || v.id, v.voter, 'Proposal:' || v.proposal_id, v.weight
 from models m join vote v on v.proposal_id = m.proposal_id
 where v.from_block <= $3 and (v.to_block is null or v.to_block > $3) order by v.weight desc, v.id limit 1000)
union all
(select 9, 'data', 'Contribution:' || c.id, c.contributor, 'ModelVersion:' || i.version_id, i.weight
 from (
   select i.* from line cross join lateral (
     select i.version_id, i.contribution_id, i.weight from version_influence i where i.version_id = line.id
     order by i.weight desc nulls last, i.contribution_id limit 1000
   ) i order by i.weight desc, i.contribution_id limit 1000
 ) i join contribution c on c.id = i.contribution_id
 where c.from_block <= $3 and (c.to_block is null or c.to_block > $3) order by i.weight desc, c.id)
union all
(select 3, 'run', 'JobRun:' || j.id, j.kind, 'ModelVersion:' || line.id, null
 from line join job_run j on j.result->>'versionId' = line.id where j.kind in ('fineTune', 'rlhf') limit 1000)
union all
(select 6, 'feedback', 'Judgement:' || g.id, g.validator, 'ModelVersion:' || line.id, g.score
 from line join feedback_task k on k.version_id = line.id join judgement g on g.task_id = k.id
 where k.from_block <= $3 and (k.to_block is null or k.to_block > $3) and g.from_block <= $3 and (g.to_block is null or g.to_block > $3)
 order by g.score desc nulls last, g.id limit 1000)
union all
(select 5, 'evaluation', 'ModelVersion:' || line.id, line.method, 'Evaluation:' || e.id, e.score
 from line join evaluation e on e.version_id = line.id
 where e.from_block <= $3 and (e.to_block is null or e.to_block > $3) order by e.score desc, e.id limit 1000)
union all
(select 4, 'endpoint', 'ModelVersion:' || line.id, line.method, 'Endpoint:' || n.id, null
 from line join endpoint n on n.version_id = line.id
 where n.from_block <= $3 and (n.to_block is null or n.to_block > $3) limit 1000)
union all
(select 8, 'revenue', 'ModelVersion:' || paid.version, null, 'Account:' || paid.account, sum(paid.amount)
 from (
   select line.id as version, l.id, l.map_id, l.account, l.amount from line join reward_line l on l.source = 'version:' || line.id
   union
   select line.id, l.id, l.map_id, l.account, l.amount from line join reward_line l on l.inputs->>'versionId' = line.id
 ) paid join reward_map r on r.id = paid.map_id
 where r.status = 'Published' and r.from_block <= $3 and (r.to_block is null or r.to_block > $3)
 group by paid.version, paid.account order by 6 desc limit 1000)
) edges order by rank, amount desc nulls last, source, target limit 1000`
