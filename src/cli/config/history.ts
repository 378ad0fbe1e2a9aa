import { configHistoryAnswer } from '../../shared/admin/config.ts';
import type { ConfigHistoryAnswer } from '../../shared/admin/config.ts';
import { EXIT } from '../exit-codes.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const COLUMNS = [
  { title: 'VERSION', right: true },
  { title: 'PUSHED' },
  { title: 'BY' },
  { title: 'CHANGES' },
  { title: 'COMMENT' },
];

function lines({ store, version, versions, nodes }: ConfigHistoryAnswer): readonly Line[] {
  if (store === 'files') {
    return [[span('The configuration comes from the files of GATEWAY_CONFIG: there are no versions (CONFIG_STORE).')]];
  }
  if (versions.length === 0) return [[span('No version was pushed yet; the files of GATEWAY_CONFIG hold.')]];
  const rows = versions.map(({ version: number, at, by, changes, comment }) => [
    span(String(number), number === version ? 'strong' : 'plain'),
    at.replace(/\.\d+Z$/, 'Z'),
    by,
    changes,
    comment,
  ]);
  const others = nodes.filter((each) => each.version !== version);
  const behind = others.map((each) => `${each.node} (${each.version})`).join(', ');
  return [
    ...table(COLUMNS, rows),
    others.length === 0
      ? [span(`In use on ${nodes.map(({ node }) => node).join(', ')}: version ${version}.`)]
      : [span(`In use here: version ${version}; these nodes have another: ${behind}`, 'warn')],
  ];
}

/** `gateway config history` */
export async function configHistory(context: AskContext): Promise<number> {
  const { value, json } = await context.client.call({ path: '/admin/config/history', answer: configHistoryAnswer });
  show(context, json, lines(value));
  return EXIT.ok;
}
