import config, { NO_TESTS, STORIES } from '../../../vitest.config.ts'

const stories = { include: [STORIES], exclude: NO_TESTS }

/** The suite's configuration for the stories alone. */
export default { ...config, test: { ...config.test, ...stories } }
