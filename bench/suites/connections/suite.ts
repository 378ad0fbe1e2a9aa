import { readFileSync } from 'node:fs';
import { subjectContext } from '../../shared/gateway.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Suite } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { recordCharts, recordSlope, recordStep } from './findings.ts';
import type { Step } from './findings.ts';
import { holdAll } from './hold.ts';
import type { Held } from './hold.ts';
import { openFilesOf, portsPerAddress, stepsOf } from './steps.ts';
import { holdingSubjects } from './subjects.ts';

export const suite: Suite = {
  name: 'connections',
  question: 'How much memory does an idle keep-alive connection take?',
  takes: '18 minutes',
  async run(context) {
    const { session, record, options } = context;
    const { rounds } = settingsOf(options, { rounds: 3 });
    const { counts, capped } = stepsOf(options, openFilesOf(readFileSync('/proc/self/limits', 'latin1')));
    if (capped !== undefined) record.note(capped);
    const perAddress = portsPerAddress(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1'));
    const most = counts.at(-1) ?? 0;
    if (most > perAddress) {
      record.note(`From ${Math.ceil(most / perAddress)} loopback addresses: one has ports for ${perAddress}.`);
    }
    const warmUpSeconds = options.miniature ? 0.2 : 2;
    const settleMs = options.miniature ? 200 : 20_000;
    const load = 'own connection holder (node:net): one request on each connection, then idle';
    record.method({ load, rounds, warmUpSeconds });
    record.note(
      'Resident memory of the process with its connections less that of the same process before, warm, by the number of ' +
        'connections. Not in it: what the kernel keeps for a socket, the same for all; and what was set aside at the ' +
        'start, such as the table nginx makes for worker_connections: the chart of the whole process has that. ' +
        'The goal for an idle connection of the gateway is 950 bytes at most, as the further connections of the last step show it. ' +
        'Every thread of the gateway collects its garbage every two seconds, which it does not do by itself, so that the figures are what connections hold. ' +
        'A process also moves by up to 2 MiB by itself, which is much for each of 1,000 connections.',
    );
    const subjects = holdingSubjects(context, subjectContext(session, await startUpstream(session)));
    const steps: Step[] = [];
    for (const count of counts) {
      const plan = { count, perAddress, warmUpSeconds, settleMs };
      const held: { round: number; value: Held }[] = [];
      for (let round = 1; round <= rounds; round++) {
        record.progress(`${count} connections, round ${round} of ${rounds}`);
        const values = await holdAll(session, subjects, plan);
        held.push(...values.map((value) => ({ round, value })));
        const each = values.map((one) => `${one.subject} ${bytesEach(one, count)} B`);
        record.progress(`${count} connections, round ${round} of ${rounds}: ${each.join(', ')} each`);
      }
      const step = { count, held };
      steps.push(step);
      recordStep(record, step);
    }
    recordSlope(record, steps);
    recordCharts(record, steps);
  },
};

const bytesEach = ({ before, holding }: Held, count: number): number =>
  Math.round((holding.rssBytes - before.rssBytes) / count);
