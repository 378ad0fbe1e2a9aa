import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/project.ts';
import { loadRequestOf } from '../../shared/exchanges.ts';
import type { Exchange } from '../../shared/exchanges.ts';
import { gatewayVariants } from '../../shared/fronts.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { runLoad } from '../../shared/load/run.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { SuiteOptions } from '../../shared/suite.ts';
import { percent, table } from '../../shared/table.ts';
import { readThreadProfiles, selfTimes } from './profile.ts';

const SHOWN_FRAMES = 25;

/**
 * Runs the gateway (of several fronts the first) once more with V8's sampling profiler on every thread and says where its request threads spent their
 * time. The profiles stay in bench/out/profile, for a browser's developer tools.
 */
export async function profileGateway(
  context: CaseContext,
  exchange: Exchange,
  { front }: Pick<SuiteOptions, 'front'>,
): Promise<void> {
  const { session, record, upstream, settings } = context;
  const out = join(PROJECT_ROOT, 'bench/out/profile');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${out}`];
  const env = gatewayVariants(front)[0]?.env ?? {};
  const gateway = subjectOf('gateway', await startGateway(subjectContext(session, upstream), { nodeFlags, env }));
  const { seconds, connections } = settings;
  await runLoad(session, { request: loadRequestOf(exchange), url: gateway.url + exchange.path, seconds, connections });
  await stopSubject(gateway);
  const costs = selfTimes(readThreadProfiles(out)).slice(0, SHOWN_FRAMES);
  const rows = costs.map((cost) => [percent(cost.share), (cost.selfUs / 1000).toFixed(0), cost.frame]);
  record.progress(`profile of ${exchange.title} (files: ${out}); self time of the request threads, not idle:
${table([['share', 'ms', 'frame'], ...rows], 'left-last')}`);
}
