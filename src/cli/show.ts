import type { AdminClient } from './admin/client.ts';
import type { CliIo } from './io.ts';
import { jsonText } from './output/json.ts';
import { render } from './output/text.ts';
import type { Line } from './output/text.ts';

/** What a command that asks a gateway works with. */
export interface AskContext {
  readonly io: CliIo;
  readonly client: AdminClient;
  /** Print the API's own JSON. */
  readonly json: boolean;
}

/** Lines for people, or the API's own JSON as it came. */
export function show({ io, json }: Pick<AskContext, 'io' | 'json'>, raw: unknown, lines: readonly Line[]): void {
  if (json) return io.out(jsonText(raw, 2));
  for (const line of lines) io.out(render(line, io.colours));
}
