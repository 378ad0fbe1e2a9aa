import { jobOperations } from '../../src/primary/admin/operations/jobs.ts';
import type { WholeAnswer } from '../../src/primary/admin/contract/answer.ts';
import type { Jobs } from '../../src/primary/jobs/start-jobs.ts';

interface Answered {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

/** Calls operations of the jobs by id, as the admin server does once it has read and checked a request. */
export function operationTable(jobs: Jobs) {
  const all = jobOperations(jobs, 'on');
  return async (id: string, params: Readonly<Record<string, string>>, body?: unknown): Promise<Answered> => {
    const found = all.find((operation) => operation.id === id);
    if (found === undefined) throw new Error(`no operation ${id}`);
    const request = { params, query: new URLSearchParams(), headers: {}, body: found.body?.parse(body) };
    const caller = { who: 'loopback', remoteAddress: '127.0.0.1' } as const;
    const answer = (await found.handle({ ...request, caller } as never)) as WholeAnswer;
    return { status: answer.status, json: JSON.parse(answer.body) as Record<string, unknown> };
  };
}
