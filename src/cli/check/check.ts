import { describeConfig } from '../../shared/config/describe-config.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { loadConfig, showWarnings } from '../load-config.ts';
import { jsonText } from '../output/json.ts';
import { yamlText } from '../output/yaml.ts';

/** `gateway check`: prints the configuration as the gateway would run with it, secrets masked. */
export function check(io: CliIo, { json }: { readonly json: boolean }): number {
  const loaded = loadConfig(io);
  if (loaded === undefined) return EXIT.configuration;
  showWarnings(io, loaded.warnings);
  const described = describeConfig(loaded.config);
  io.out(json ? jsonText(described, 2) : yamlText(described));
  return EXIT.ok;
}
