import type { ConfigPushAnswer, Difference } from '../shared/admin/config.ts';
import { call } from './api.ts';
import { confirm, toast } from './dialogs.ts';
import { el } from './dom.ts';
import type { Child } from './dom.ts';
import { outside } from './parts.ts';

/** What a button says of what it is about. */
export type Data = Readonly<Record<string, string | undefined>>;

const SIGNS = { added: '+', changed: '~', removed: '−' } as const;
const KINDS = { added: 'new', changed: 'same', removed: 'gone' } as const;

const line = ({ path, change, before, after }: Difference): HTMLElement => {
  const values = [before, after].filter((value) => value !== undefined).join(' → ');
  return el('span', { class: KINDS[change] }, [`${SIGNS[change]} `, outside(`${path}: ${values}`), '\n']);
};

function changesOf({ changes, omitted, needsRestart }: ConfigPushAnswer): readonly Child[] {
  if (changes.length === 0) return ['It says the same as the one in use.'];
  return [
    'All nodes, or none, will use it as a new version. It would change:',
    el('pre', { class: 'diff', tabindex: '0', 'aria-label': 'What would change' }, [
      ...changes.map(line),
      omitted === 0 ? null : `and ${omitted} more\n`,
    ]),
    needsRestart.length === 0 ? null : `Only with a restart: ${needsRestart.join(', ')}.`,
  ];
}

/** Shows what going back to a version changes, and does it. @throws {Refusal} where that cannot be found out */
export async function rollback({ version = '' }: Data): Promise<boolean> {
  const body = { version: Number(version) };
  const found = await call<ConfigPushAnswer>('POST', '/admin/config/rollback?dry_run=1', body);
  return confirm({
    title: `Go back to version ${version}`,
    text: changesOf(found),
    name: version,
    command: `gateway config rollback ${version}`,
    yes: 'Go back',
    tone: 'bad',
    run: async () => {
      const { version: now } = await call<ConfigPushAnswer>('POST', '/admin/config/rollback', body);
      toast(`Version ${now} is in use.`);
    },
  });
}
