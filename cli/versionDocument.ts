import { writeFile } from 'node:fs/promises'
import { ConfigError, readConfig } from '#config'
import { versionPath } from '#graphql/documents/names.ts'

/** Writes a document about a version. @throws ConfigError with the API's reason when it refuses. */
export async function versionDocument(
  name: string,
  id: string,
  { url: given, out }: { url?: string; out?: string },
): Promise<void> {
  const url = given ?? readConfig(process.env, { requireDeployment: false, signs: false }).apiUrl
  const response = await fetch(`${url.replace(/\/$/, '')}${versionPath(encodeURIComponent(id))}/${name}`).catch(
    (cause) => {
      throw new ConfigError(`--url: no API answers at ${url}. Start it with \`modelcommons up\`, or correct the URL.`, {
        cause,
      })
    },
  )
  const text = await response.text()
  if (!response.ok)
    throw new ConfigError(reasonOf(text) ?? `--url: ${url} answered ${response.status}. Is it a ModelCommons API?`)
  if (out === undefined) process.stdout.write(text)
  else
    await writeFile(out, text).catch((cause: Error) => {
      throw new ConfigError(`--out: cannot write ${out} (${cause.message}).`, { cause })
    })
}

function reasonOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { errors?: { message?: string }[] }).errors?.[0]?.message
  } catch {
    return undefined
  }
}
