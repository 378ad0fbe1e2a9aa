import { z } from 'zod';
import { EXIT } from '../exit-codes.ts';
import { jsonText } from '../output/json.ts';
import type { AskContext } from '../show.ts';

/** `gateway config`: what the running gateway uses, secrets masked. */
export async function config(context: AskContext): Promise<number> {
  const answer = z.record(z.string(), z.unknown());
  const { json } = await context.client.call({ path: '/admin/config', answer });
  const { yamlText } = await import('../output/yaml.ts');
  context.io.out(context.json ? jsonText(json, 2) : yamlText(json));
  return EXIT.ok;
}
