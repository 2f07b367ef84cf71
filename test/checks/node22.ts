/** Arguments of `npm install` for the Node 22 that clients and suites of others need. A script of this package puts the program at `node_modules/node/bin/node`, and
 *  the `.npmrc` of this repository, which `npm run` passes on, lets no script run. */
export const NODE_22 = ['node@22.23.3', '--ignore-scripts=false'] as const
