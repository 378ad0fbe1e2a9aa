import type { ConfigHistoryAnswer } from '../shared/admin/config.ts';
import { call, Refusal } from './api.ts';
import { byId, el, show } from './dom.ts';
import { clock } from './format.ts';
import { action, badge, command, empty, outside, table } from './parts.ts';

const COLUMNS = [{ title: 'Pushed version' }, { title: 'What it changed' }, { title: '' }];

/** Versions of the configuration: who pushed which, what it changed, and the way back. */
export class Versions {
  #key = '';
  #mayChange = false;

  /** Asks again where something may be another. @param key changes with the version in use and the events of it */
  look(key: string, mayChange: boolean): void {
    if (key === this.#key && mayChange === this.#mayChange) return;
    this.#key = key;
    this.#mayChange = mayChange;
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      this.#show(await call<ConfigHistoryAnswer>('GET', '/admin/config/history'));
    } catch (error) {
      this.#key = ''; // again with the next answer
      show(byId('config-versions'), [empty(error instanceof Refusal ? error.message : String(error))]);
    }
  }

  #show({ store, version, versions, nodes }: ConfigHistoryAnswer): void {
    const into = byId('config-versions');
    if (store === 'files') {
      show(into, [
        empty('It comes from files (CONFIG_STORE), so there are no versions to go back to. What a file would change: '),
        command('gateway config diff'),
      ]);
      return;
    }
    if (versions.length === 0) {
      show(into, [
        empty('No version was pushed yet; the files of GATEWAY_CONFIG hold. '),
        command('gateway config push'),
      ]);
      return;
    }
    const behind = nodes.filter((each) => each.version !== version);
    show(into, [
      el('h3', {}, ['Versions ', command('gateway config history')]),
      behind.length === 0
        ? null
        : el('p', { class: 'problem' }, [
            'Not all nodes have it: ',
            ...behind.flatMap((each, i) => [i === 0 ? '' : ', ', outside(each.node), ` (${each.version})`]),
          ]),
      table(
        'Versions of the configuration',
        COLUMNS,
        versions.map(({ version: number, at, by, comment, changes }) => ({
          key: String(number),
          cells: [
            [`${number} `, number === version ? badge('good', 'in use') : null],
            [
              changes === '' ? 'the first' : outside(changes),
              ' ',
              el('span', { class: 'detail' }, [
                comment === '' ? null : outside(comment),
                `${comment === '' ? '' : ' · '}${clock(at, new Date().toISOString())} · `,
                outside(by),
              ]),
            ],
            el(
              'div',
              { class: 'actions' },
              number === version || !this.#mayChange
                ? null
                : action('rollback', 'Go back to it', {
                    version: String(number),
                    label: `what going back to version ${number} would change`,
                  }),
            ),
          ],
        })),
      ),
    ]);
  }
}
