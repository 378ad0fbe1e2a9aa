import { OLD_BACKUP_SECONDS } from '../shared/admin/old-backup.ts';
import type { PageAnswer } from '../shared/admin/page.ts';
import { el } from './dom.ts';
import { bytes, clock, duration, secondsBetween } from './format.ts';
import { fill, note } from './panels.ts';
import { action, badge, command, empty, outside, table } from './parts.ts';
import type { Row } from './parts.ts';

const JOBS = [
  { title: 'Job' },
  { title: 'Last run' },
  { title: 'Last success', right: true },
  { title: 'Next', right: true },
  { title: '' },
];

function jobRow(job: PageAnswer['jobs']['jobs'][number], { at, ui }: PageAnswer): Row {
  const { name, description, last, lastSuccessAt, nextAt, failing, failedSlots, pattern, ability } = job;
  const lastRun =
    last === null
      ? [badge('idle', 'none yet')]
      : [
          badge(last.state === 'succeeded' ? 'good' : 'bad', last.state),
          el('span', { class: 'detail' }, [
            outside(last.text),
            last.node === '' ? null : el('span', {}, [' · on ', outside(last.node)]),
          ]),
        ];
  return {
    key: name,
    tone: failing ? 'bad' : undefined,
    cells: [
      [outside(name), el('span', { class: 'detail' }, `${description} · ${pattern} UTC`)],
      [
        ...lastRun,
        ability === 'unable' ? badge('warn', 'not on this node') : null,
        failedSlots > 1 ? badge('bad', `${failedSlots} in a row failed`) : null,
      ],
      lastSuccessAt === null ? 'never' : `${duration(secondsBetween(lastSuccessAt, at))} ago`,
      `in ${duration(secondsBetween(at, nextAt))}`,
      ui.mode === 'on'
        ? el('div', { class: 'actions' }, action('job', 'Run now', { job: name, label: `Run ${name} now` }))
        : null,
    ],
  };
}

const BACKUPS = [
  { title: 'Newest backup' },
  { title: 'Age', right: true },
  { title: 'Verified' },
  { title: 'Size', right: true },
  { title: 'Made' },
];

const backupRow = (
  { kind, madeAt, verifiedAt, unverified, bytes: size }: PageAnswer['backups'][number],
  at: string,
): Row => {
  const age = secondsBetween(madeAt, at);
  return {
    key: kind,
    cells: [
      kind,
      age > OLD_BACKUP_SECONDS[kind] ? badge('warn', duration(age)) : duration(age),
      [
        verifiedAt === null
          ? badge('warn', 'never')
          : badge(unverified === '' ? 'good' : 'warn', `${duration(secondsBetween(verifiedAt, at))} ago`),
        unverified === ''
          ? null
          : el('span', { class: 'detail' }, ['the newest is stored only: ', outside(unverified)]),
      ],
      bytes(size),
      clock(madeAt, at),
    ],
  };
};

/** Jobs, and how old the backups are. */
export function showJobs(answer: PageAnswer): void {
  const { jobs, backups, at } = answer;
  note('jobs', [
    jobs.mode === 'off'
      ? 'this node runs none (JOBS=off)'
      : jobs.scope === 'cluster'
        ? 'shared out among the nodes'
        : 'all done by this node',
  ]);
  fill('jobs', [
    backups.length === 0
      ? el('div', { class: 'empty' }, [
          el(
            'span',
            {},
            'No backup is known: none is made here (BACKUP_DIR or BACKUP_S3_URL), none has been made yet, or the store does not answer. ',
          ),
          command('gateway backup list'),
        ])
      : table(
          'Backups',
          BACKUPS,
          backups.map((each) => backupRow(each, at)),
        ),
    jobs.jobs.length === 0
      ? empty('Nothing is scheduled on this node.')
      : table(
          'Jobs',
          JOBS,
          jobs.jobs.map((each) => jobRow(each, answer)),
        ),
  ]);
}
