import { describeConfig } from '../../shared/config/describe-config.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { loadConfig, showWarnings } from '../load-config.ts';
import { jsonText } from '../output/json.ts';
import { yamlText } from '../output/yaml.ts';
import { versionInUse } from './version-in-use.ts';

/**
 * `gateway check`: prints the configuration as the gateway would run with it, secrets masked; on stderr, whether something
 * else is in use.
 */
export async function check(io: CliIo, { json }: { readonly json: boolean }): Promise<number> {
  const told = await versionInUse(io);
  if (told !== undefined) io.err(told);
  const loaded = loadConfig(io);
  if (loaded === undefined) return EXIT.configuration;
  showWarnings(io, loaded.warnings);
  const described = describeConfig(loaded.config);
  io.out(json ? jsonText(described, 2) : yamlText(described));
  return EXIT.ok;
}
