import { Argument } from 'commander';
import type { Command } from 'commander';
import { logLevel } from '../../shared/admin/operations.ts';
import type { LogLevelBody } from '../../shared/admin/operations.ts';
import { drain } from '../drain/drain.ts';
import { jobHistory, listJobs, runJob } from '../jobs/jobs.ts';
import { setLogLevel } from '../log-level/log-level.ts';
import { reload } from '../reload/reload.ts';
import { asking, describeAsking } from './group.ts';
import type { AskOptions, GroupContext } from './group.ts';

/** Commands that change a running gateway as a whole. */
export function addSteering(program: Command, { io, finish }: GroupContext): void {
  program.commandsGroup('Steer a running gateway:');
  describeAsking(program, {
    usage: 'reload',
    does: 'ask the running gateway to read its configuration again',
    example: 'gateway reload',
  }).action(async (options: AskOptions) => finish(await reload(asking(io, options))));
  describeAsking(program, {
    usage: 'drain',
    does: 'end the gateway in order: no new requests, those in flight are finished',
    example: 'gateway drain --url http://10.0.0.5:9901',
  }).action(async (options: AskOptions) => finish(await drain(asking(io, options))));
  const jobs = program.command('jobs').description('work that one of the nodes does once in a while');
  describeAsking(jobs, {
    usage: 'list',
    does: 'the jobs: when each runs, and what came of it',
    example: 'gateway jobs list',
    isDefault: true,
  }).action(async (options: AskOptions) => finish(await listJobs(asking(io, options))));
  describeAsking(jobs, {
    usage: 'run <name>',
    does: 'run a job now, on whichever node can, and follow it; ends with 1 when it fails',
    example: 'gateway jobs run redis-backup',
  }).action(async (name: string, options: AskOptions) => finish(await runJob(asking(io, options), name)));
  describeAsking(jobs, {
    usage: 'history [name]',
    does: 'runs that wait or run, and the last that ended, on whichever node',
    example: 'gateway jobs history redis-backup',
  }).action(async (name: string | undefined, options: AskOptions) =>
    finish(await jobHistory(asking(io, options), name)),
  );
  describeAsking(program, {
    usage: 'log-level',
    does: 'the least severe level that is logged, or set it until the next reload or restart',
    example: 'gateway log-level debug',
  })
    .addArgument(new Argument('[level]', 'the new level').choices(logLevel.shape.level.options))
    .action(async (level: LogLevelBody['level'] | undefined, options: AskOptions) =>
      finish(await setLogLevel(asking(io, options), level)),
    );
}
