/** The permalink of every thing that has a page, by its id. */
export const pathOf = {
  proposal: (id: string) => `/proposals/${encodeURIComponent(id)}`,
  model: (id: string) => `/models/${encodeURIComponent(id)}`,
  version: (id: string) => `/versions/${encodeURIComponent(id)}`,
  account: (id: string) => `/accounts/${encodeURIComponent(id)}`,
  datanet: (id: string) => `/datanets/${encodeURIComponent(id)}`,
  contribution: (id: string) => `/contributions/${encodeURIComponent(id)}`,
  epoch: (id: string | number) => `/epochs/${encodeURIComponent(id)}`,
  job: (id: string) => `/jobs/${encodeURIComponent(id)}`,
  dispute: (id: string) => `/disputes/${encodeURIComponent(id)}`,
  event: (id: string) => `/events/${encodeURIComponent(id)}`,
  endpoint: (id: string) => `/endpoints/${encodeURIComponent(id)}`,
  comparison: (id: string) => `/comparisons/${encodeURIComponent(id)}`,
  lineage: (key: string) => `/lineage/${encodeURIComponent(key)}`,
  search: (text: string) => `/search?q=${encodeURIComponent(text)}`,
} as const

export type Kind = keyof typeof pathOf

/** The lists, in the order of the navigation. */
export const LISTS = [
  { path: '/', title: 'Overview' },
  { path: '/proposals', title: 'Proposals' },
  { path: '/models', title: 'Models' },
  { path: '/datanets', title: 'Data' },
  { path: '/accounts', title: 'People' },
  { path: '/epochs', title: 'Rewards' },
  { path: '/jobs', title: 'Jobs' },
  { path: '/disputes', title: 'Disputes' },
  { path: '/events', title: 'Events' },
] as const
