import { keysAnswer, madeKeyAnswer, revokedKeyAnswer } from '../../shared/admin/keys.ts';
import type { ApiKeyView, KeysAnswer, KeyWish, MadeKeyAnswer } from '../../shared/admin/keys.ts';
import { segment } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { facts, table } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const COLUMNS = [
  { title: 'ID' },
  { title: 'CONSUMER' },
  { title: 'PROFILE' },
  { title: 'GROUPS' },
  { title: 'MADE' },
  { title: 'ENDS' },
  { title: '' },
];
const STYLES = { active: 'good', replaced: 'warn', expired: 'faint', revoked: 'bad' } as const;

/** To the minute, as people write it. */
const shortTime = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

function endOf({ expiresAt, revokedAt }: ApiKeyView): string {
  const ends = [expiresAt, revokedAt].filter((each) => each !== null).sort();
  return ends[0] === undefined ? 'never' : shortTime(ends[0]);
}

const rowOf = (key: ApiKeyView): readonly Cell[] => [
  key.id,
  key.consumer,
  key.profile,
  key.groups.join(','),
  shortTime(key.createdAt),
  endOf(key),
  span(key.state, STYLES[key.state]),
];

const STATES = {
  well: undefined,
  lost: 'Redis has lost the keys: those this node knows go on and are put back, others get 503.',
  away: 'Redis cannot be asked: keys that nodes know go on for an hour, others get 503.',
} as const;

const ALONE = 'Known to this node alone for now: Redis cannot be asked, and is told when it can.';

function listLines({ keys, total, state }: KeysAnswer): readonly Line[] {
  const warning = STATES[state];
  const rest = total - keys.length;
  return [
    ...(warning === undefined ? [] : [[span(warning, 'bad')]]),
    ...(keys.length === 0
      ? [[span('No key is stored. Make one with `gateway key create CONSUMER`.')]]
      : table(COLUMNS, keys.map(rowOf))),
    ...(rest > 0 ? [[span(`and ${rest} more; --consumer shows fewer`, 'faint')]] : []),
  ];
}

function madeLines({ key, made, replaced, scope }: MadeKeyAnswer): readonly Line[] {
  return [
    ...facts([
      ['key', span(key, 'strong')],
      ['id', made.id],
      ['consumer', made.consumer],
      ['profile', made.profile === '' ? "its consumer's" : made.profile],
      ['ends', endOf(made)],
    ]),
    [],
    [span('It is shown this once: only its hash is stored.', 'warn')],
    ...(replaced === null ? [] : [[span(`Key ${replaced.id} goes on until ${endOf(replaced)} UTC.`)]]),
    ...(scope === 'node' ? [[span(ALONE, 'warn')]] : []),
  ];
}

/** `gateway key create CONSUMER` */
export async function createKey(context: AskContext, wish: KeyWish): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'POST',
    path: '/admin/keys',
    body: wish,
    answer: madeKeyAnswer,
  });
  show(context, json, madeLines(value));
  return EXIT.ok;
}

/** `gateway key list` */
export async function listKeys(
  context: AskContext,
  { consumer, all }: { readonly consumer?: string; readonly all: boolean },
): Promise<number> {
  const query = new URLSearchParams({ ...(consumer === undefined ? {} : { consumer }), ...(all ? { all: '1' } : {}) });
  const path = query.size === 0 ? '/admin/keys' : `/admin/keys?${query.toString()}`;
  const { value, json } = await context.client.call({ path, answer: keysAnswer });
  show(context, json, listLines(value));
  return EXIT.ok;
}

/** `gateway key rotate ID` */
export async function rotateKey(context: AskContext, id: string, keepSeconds: number | undefined): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'POST',
    path: `/admin/keys/${segment(id)}`,
    body: { replace: true, ...(keepSeconds === undefined ? {} : { keep: keepSeconds }) },
    answer: madeKeyAnswer,
  });
  show(context, json, madeLines(value));
  return EXIT.ok;
}

/** `gateway key revoke ID` */
export async function revokeKey(context: AskContext, id: string): Promise<number> {
  const { value, json } = await context.client.call({
    method: 'DELETE',
    path: `/admin/keys/${segment(id)}`,
    answer: revokedKeyAnswer,
  });
  const { revoked, scope } = value;
  const where = scope === 'node' ? ALONE : 'It holds on all nodes within a second.';
  show(context, json, [
    [
      span(`Key ${revoked.id} of ${revoked.consumer} is revoked.`),
      span(` ${where}`, scope === 'node' ? 'warn' : 'plain'),
    ],
  ]);
  return EXIT.ok;
}
