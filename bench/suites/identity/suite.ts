import { subjectContext } from '../../shared/gateway.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Suite, SuiteContext } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { measureCredentials } from './cost.ts';
import { measureManyKeys } from './many-keys.ts';
import type { IdentityPart } from './parts.ts';
import { auditProfiles } from './profiles.ts';

const wants = ({ options }: SuiteContext, part: IdentityPart): boolean => options.cases?.includes(part) ?? true;

export const suite: Suite = {
  name: 'identity',
  question:
    'What does a known credential cost, are the three profiles exact at once, and how much memory take a million keys?',
  takes: '12 minutes',
  async run(context) {
    const { session, record, options } = context;
    const upstream = await startUpstream(session);
    const place = subjectContext(session, upstream);
    const cases: CaseContext = { session, record, upstream, settings: settingsOf(options) };
    const redis = findProgram('redis-server');
    if (redis !== undefined) record.tool('redis-server', versionOf(redis));
    if (wants(context, 'credentials')) await measureCredentials(cases, place);
    if (wants(context, 'profiles')) await auditProfiles(context, upstream);
    if (wants(context, 'many-keys')) await measureManyKeys(context, place);
  },
};
