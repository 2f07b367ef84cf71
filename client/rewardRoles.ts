/** What each role of a reward line means, for the person who earned it. */
const ROLES: Record<string, { title: string; because: string }> = {
  data: { title: 'Training data', because: 'its weight in the version that served' },
  answers: { title: 'Answers', because: 'its influence on the answers given' },
  owner: { title: 'Owner', because: 'proposing the model' },
  stakers: { title: 'Staker', because: 'the stake on the model' },
  validators: { title: 'Validator', because: 'judgements that trained the version' },
  host: { title: 'Host', because: 'serving the endpoint' },
  platform: { title: 'Platform', because: 'the platform’s share' },
  unattributed: { title: 'Unattributed', because: 'what no contribution accounts for' },
  withheld: { title: 'Withheld', because: 'a correction of an earlier epoch' },
  recovered: { title: 'Recovered', because: 'a correction of an earlier epoch' },
}

export const roleTitle = (role: string) => ROLES[role]?.title ?? role
export const roleReason = (role: string) => ROLES[role]?.because ?? ''
