import { datanetRegistryBugs } from './datanetRegistry.ts'
import { feedbackPoolBugs } from './feedbackPool.ts'
import { gOpenBugs } from './gOpen.ts'
import { inferenceMarketBugs } from './inferenceMarket.ts'
import { modelRegistryBugs } from './modelRegistry.ts'
import type { PlantedBug } from './plantedBug.ts'
import { rewardDistributorBugs } from './rewardDistributor.ts'

/** Deliberate bugs by the suite of invariants that must find them: `npm run check -- contracts --only bugs` plants each. */
const BUGS = {
  GOpen: gOpenBugs,
  FeedbackPool: feedbackPoolBugs,
  DatanetRegistry: datanetRegistryBugs,
  ModelRegistry: modelRegistryBugs,
  RewardDistributor: rewardDistributorBugs,
  InferenceMarket: inferenceMarketBugs,
} satisfies Record<string, readonly PlantedBug[]>

export type ContractBug = PlantedBug & { suite: string }

export const contractBugs: readonly ContractBug[] = Object.entries(BUGS).flatMap(([suite, bugs]) =>
  bugs.map((bug) => ({ ...bug, suite })),
)
