import type { JobsAnswer } from '../../shared/admin/jobs.ts';
import { OLD_BACKUP_SECONDS } from '../../shared/admin/old-backup.ts';
import type { PageAnswer, PageProblem } from '../../shared/admin/page.ts';
import { adviceOn } from './advice.ts';

/** What the page knows of jobs and backups. */
export interface JobFacts {
  readonly node: string;
  /** Nodes that are known, this one included. */
  readonly nodes: number;
  readonly jobs: JobsAnswer;
  readonly backups: PageAnswer['backups'];
  /** What the status warns of. */
  readonly warnings: readonly string[];
  /** Time of day. */
  readonly nowMs: number;
}

/** What is wrong with jobs and backups before it is so often that the node calls itself degraded. */
export function jobProblems({ node, nodes, jobs, backups, warnings, nowMs }: JobFacts): readonly PageProblem[] {
  const found = (text: string, since: string | null): PageProblem => ({
    text,
    severity: 'warn',
    node,
    since,
    ...adviceOn(text),
  });
  const failed = jobs.jobs.flatMap(({ name, last, failing }) =>
    last?.state === 'failed' && !failing
      ? [found(`the last run of job ${name} failed: ${last.text}`, last.endedAt)]
      : [],
  );
  const idle =
    jobs.mode === 'off' || nodes > 1
      ? []
      : jobs.jobs
          .filter(({ ability }) => ability === 'unable')
          .map(({ name }) => {
            const why = warnings.find((text) => text.startsWith(`${name}: `))?.slice(name.length + 2);
            return found(`job ${name} is done by nobody: ${why ?? 'this node cannot, and there is no other'}`, null);
          });
  const old = backups
    .filter(({ kind, madeAt }) => nowMs - Date.parse(madeAt) > OLD_BACKUP_SECONDS[kind] * 1000)
    .map(({ kind, madeAt }) => found(`the newest ${kind} backup is too old`, madeAt));
  return [...failed, ...idle, ...old];
}
