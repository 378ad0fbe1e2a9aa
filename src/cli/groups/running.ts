import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { jsonText } from '../output/json.ts';
import { describe, describePrinting } from './group.ts';
import type { GroupContext } from './group.ts';

/** Commands that run a gateway, or would. What each needs is loaded when it is called. */
export function addRunning(program: Command, { io, finish }: GroupContext): void {
  program.commandsGroup('Run it:');
  describe(program, {
    usage: 'start',
    does: 'run the gateway in the foreground',
    example: 'UPSTREAM_URL=http://127.0.0.1:8080 gateway start',
  }).action(async () => {
    const { start } = await import('../start/start.ts');
    finish(await start(io));
  });
  describe(program, {
    usage: 'check',
    does: 'check the configuration and print it resolved, secrets masked',
    example: 'GATEWAY_CONFIG=gateway.yaml gateway check',
  })
    .option('--json', 'print JSON instead of YAML', false)
    .action(async (options: { json: boolean }) => {
      const { check } = await import('../check/check.ts');
      finish(await check(io, options));
    });
  describePrinting(program, {
    usage: 'schema',
    does: 'print the JSON Schema of the YAML configuration',
    example: 'gateway schema > gateway.schema.json',
  }).action(async () => {
    const { jsonSchema } = await import('../../shared/config/json-schema.ts');
    io.out(jsonText(jsonSchema(), 2));
    finish(EXIT.ok);
  });
}
