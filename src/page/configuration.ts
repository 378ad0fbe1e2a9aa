import type { PageAnswer } from '../shared/admin/page.ts';
import { call, Refusal } from './api.ts';
import { diff } from './diff.ts';
import { byId, el, show } from './dom.ts';
import type { Child } from './dom.ts';
import { clock, duration, secondsBetween } from './format.ts';
import { fill, note } from './panels.ts';
import { action, badge, facts, outside } from './parts.ts';
import { Versions } from './versions.ts';
import { printable } from '../shared/printable.ts';

/** Lines around a change that are shown with it. */
const AROUND = 3;

/** The configuration in use, and what a reload has changed while the page was open. */
export class Configuration {
  #version: number | undefined;
  #node: string | undefined;
  #lines: readonly string[] = [];
  #changes: readonly Child[] = [];
  readonly #versions = new Versions();

  show(answer: PageAnswer): void {
    const { status, ui, at, nodes } = answer;
    const { configVersion, lastReload } = status;
    const digest = nodes.nodes.find(({ self }) => self)?.vitals?.configDigest;
    note('configuration', [`version ${configVersion} of this process`]);
    const reload =
      lastReload === null
        ? 'none since the start'
        : [
            badge(lastReload.applied ? 'good' : 'bad', lastReload.applied ? 'taken' : 'refused'),
            el(
              'span',
              { class: 'faint' },
              `${clock(lastReload.at, at)} · ${duration(secondsBetween(lastReload.at, at))} ago`,
            ),
          ];
    fill('configuration', [
      facts([
        ['Last reload', reload],
        ['Digest', digest === undefined ? '–' : el('code', {}, digest.toString(16).padStart(12, '0'))],
      ]),
      lastReload !== null && lastReload.problems.length > 0
        ? el(
            'ul',
            { class: 'problems plain' },
            lastReload.problems.map((text) => el('li', { class: 'bad' }, outside(text))),
          )
        : null,
      ui.mode === 'on'
        ? el(
            'div',
            { class: 'actions' },
            action('reload', 'Read it again', {
              node: status.node,
              label: 'Read the configuration again and apply it',
            }),
          )
        : null,
      el('div', { id: 'config-versions', 'data-keep': true }),
      el('div', { id: 'config-changes', 'data-keep': true }),
      el('details', { id: 'config-whole', 'data-keep': true }, [
        el('summary', {}, 'All of it, secrets masked'),
        el(
          'pre',
          { tabindex: '0', id: 'config-text', 'aria-label': 'The configuration in use' },
          'Asked for when it is opened …',
        ),
      ]),
    ]);
    this.#versions.look(`${answer.node} ${configVersion} ${lastReload?.at ?? ''}`, ui.mode === 'on');
    const isNew = this.#version !== configVersion || this.#node !== answer.node;
    if (isNew) void this.#read(configVersion, answer.node);
  }

  async #read(version: number, node: string): Promise<void> {
    const isLater = this.#version !== undefined && this.#node === node;
    this.#version = version;
    this.#node = node;
    try {
      const text = JSON.stringify(await call('GET', '/admin/config'), undefined, 2);
      const lines = text.split('\n').map(printable);
      if (isLater) this.#changes = changesOf(diff(this.#lines, lines), version);
      this.#lines = lines;
      byId('config-text').textContent = lines.join('\n');
      show(byId('config-changes'), this.#changes);
    } catch (error) {
      this.#version = undefined; // again with the next answer
      byId('config-text').textContent = error instanceof Refusal ? error.message : String(error);
    }
  }
}

function changesOf(found: ReturnType<typeof diff>, version: number): readonly Child[] {
  if (found === undefined)
    return [el('p', { class: 'empty' }, `Version ${version} differs in more lines than can be compared here.`)];
  const changed = found.flatMap(({ kind }, at) => (kind === 'same' ? [] : [at]));
  if (changed.length === 0) return [el('p', { class: 'empty' }, `Version ${version} says the same as the one before.`)];
  const near = found.filter((_, at) => changed.some((each) => Math.abs(each - at) <= AROUND));
  const signs = { same: ' ', gone: '−', new: '+' } as const;
  return [
    el('h3', {}, `What version ${version} has changed`),
    el(
      'pre',
      { class: 'diff', tabindex: '0', 'aria-label': 'Changed lines' },
      near.map(({ kind, text }) => el('span', { class: kind }, `${signs[kind]} ${text}\n`)),
    ),
  ];
}
