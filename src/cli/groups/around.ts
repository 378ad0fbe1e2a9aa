import type { Command } from 'commander';
import { expectedStatuses, httpMethod, timeoutMs } from '../arguments.ts';
import type { DoctorOptions } from '../doctor/doctor.ts';
import type { ProbeOptions } from '../probe/probe.ts';
import type { PurgeOptions } from '../redis/purge.ts';
import { addAdminOptions, describePrinting } from './group.ts';
import type { GroupContext } from './group.ts';

/** Commands that need no gateway. Each is loaded when it is called: `probe` is a health check that runs all the time. */
export function addAround(program: Command, { io, finish }: GroupContext): void {
  program.commandsGroup('Around it (no gateway needed):');
  addAdminOptions(
    describePrinting(program, {
      usage: 'doctor',
      does:
        'check all around the gateway: Node.js, glibc, clock, ports, files, memory, Redis, upstreams; ' +
        'says what to do, and ends with 1 when something fails',
      example: 'gateway doctor',
    }),
  ).action(async (options: DoctorOptions) => {
    const { doctor } = await import('../doctor/doctor.ts');
    finish(await doctor(io, options));
  });
  describePrinting(program, {
    usage: 'probe <url>',
    does: 'one request: status, times, headers and the first of the body; ends with 1 unless the status is expected',
    example: 'gateway probe http://127.0.0.1:5000/health --expect 200 --timeout 2s',
  })
    .option('--timeout <time>', 'for the whole exchange, such as 500ms, 5s', timeoutMs, 5_000)
    .option('--expect <statuses>', 'such as 200, 200,204 or 2xx (default: any below 400)', expectedStatuses)
    .option('--method <method>', 'such as HEAD', httpMethod, 'GET')
    .action(async (url: string, { timeout, ...options }: Omit<ProbeOptions, 'url' | 'timeoutMs'> & Timeout) => {
      const { probe } = await import('../probe/probe.ts');
      finish(await probe(io, { ...options, url, timeoutMs: timeout }));
    });
  describePrinting(program, {
    usage: 'explain <code>',
    does: 'what the code of a refusal or failure means, and what to do',
    example: 'gateway explain circuit_open',
  }).action(async (code: string, { json }: { json: boolean }) => {
    const { explain } = await import('../explain/explain.ts');
    finish(explain(io, code, json));
  });
  const redis = program.command('redis').description('the Redis that REDIS_* name');
  describePrinting(redis, {
    usage: 'purge',
    does: 'remove keys of the gateway, and only those, in steps that do not block Redis (SCAN and UNLINK)',
    example: 'gateway redis purge --dry-run',
  })
    .option('--prefix <text>', 'of the keys; starts with api-gateway: (default: api-gateway:rate-limit:, the buckets)')
    .option('--all', 'everything of the gateway: also breakers, overrides, the list of nodes, and jobs', false)
    .option('--dry-run', 'only count', false)
    .action(async (options: PurgeOptions) => {
      const { purge } = await import('../redis/purge.ts');
      finish(await purge(io, options));
    });
}

interface Timeout {
  /** Milliseconds. */
  readonly timeout: number;
}
