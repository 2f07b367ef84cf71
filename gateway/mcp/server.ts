import { McpServer } from '@modelcontextprotocol/server'
import { VERSION } from '#schema/version.ts'
import type { Gateway } from '../exchange.ts'
import { inferTool } from './infer.ts'
import { listModelsTool } from './models.ts'
import { addReadTools } from './reads.ts'
import { addResources, resourceSources } from './resources.ts'
import { addTool } from './tool.ts'

/** The revisions that are spoken. Earlier ones have batches, in which one message asks for any number of answers. */
export const REVISIONS = ['2026-07-28', '2025-11-25', '2025-06-18']

const INSTRUCTIONS =
  'Models that belong to their community. `list_models` says which answer, `infer` asks one and pays for the answer, `lineage` and `evaluations` tell where a version came from and how well it does, `explain_reward` who was paid for it and why, `list_proposals` what is voted on. Amounts are in wei.'

/** What agents can do here: the one definition of the tools, for HTTP and for `modelcommons mcp`. A server serves one request, or one session. */
export function mcpServerFor(gateway: Gateway): () => McpServer {
  const sources = resourceSources(gateway.services)
  return () => {
    const server = new McpServer(
      { name: 'modelcommons', title: 'ModelCommons', version: VERSION },
      { instructions: INSTRUCTIONS, supportedProtocolVersions: REVISIONS },
    )
    addTool(server, gateway.services, listModelsTool(gateway.models))
    addTool(server, gateway.services, inferTool(gateway))
    addReadTools(server, gateway.services)
    addResources(server, sources)
    return server
  }
}
