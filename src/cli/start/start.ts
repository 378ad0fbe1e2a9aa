import { fileURLToPath } from 'node:url';
import type { Config } from '../../shared/config/types.ts';
import { drainOnStopSignals, endOnStopSignals } from '../../shared/early-stop.ts';
import { createLog } from '../../shared/log.ts';
import type { Log } from '../../shared/log.ts';
import { entryUrl } from '../../shared/threads/worker-url.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { loadConfig } from '../load-config.ts';
import { startDemoUpstream } from './demo-upstream.ts';
import type { DemoUpstream } from './demo-upstream.ts';
import { supervise } from './supervisor.ts';

/** On top of the drain's delay and deadline, before a front that does not stop is killed. */
const KILL_GRACE_MS = 5_000;

/**
 * `gateway start`: checks the configuration, then runs the front under a supervisor, or in this process with
 * GATEWAY_SUPERVISE=off.
 * @returns the exit code; with GATEWAY_SUPERVISE=off the front sets its own
 */
export async function start(io: CliIo): Promise<number | undefined> {
  endOnStopSignals();
  const loaded = loadConfig(io);
  if (loaded === undefined) return EXIT.configuration;
  const { config, supervise: underParent } = loaded;
  const log = createLog({ level: config.logLevel, name: 'supervisor' });
  const demo = config.demoUpstream ? startDemo(config, log) : undefined;
  if (!underParent) {
    const { startFront } = await import('../../primary/main.ts');
    await startFront();
    return undefined;
  }
  const supervised = supervise({
    nodeArgs: [...process.execArgv, fileURLToPath(entryUrl('primary/main'))],
    env: io.env,
    killAfterMs: config.server.drainDelayMs + config.server.drainTimeoutMs + KILL_GRACE_MS,
    signals: process,
    inheritedSocket: config.server.inheritedSocket,
    log,
  });
  drainOnStopSignals(); // it listens already, and its front reads the configuration after this
  const code = await supervised;
  await demo?.close();
  await log.close();
  return code;
}

function startDemo(config: Config, log: Log): DemoUpstream | undefined {
  const port = config.upstreams[0]?.targets[0]?.port;
  return port === undefined ? undefined : startDemoUpstream({ port, log });
}
