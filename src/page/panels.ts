import { byId, el, show } from './dom.ts';
import type { Child } from './dom.ts';
import { command } from './parts.ts';

/** The panels in their order, and the command of each that says the same. */
const PANELS = {
  traffic: { title: 'Traffic', command: 'gateway top' },
  upstreams: { title: 'Upstreams', command: 'gateway breaker list' },
  clients: { title: 'Clients', command: 'gateway limit list' },
  redis: { title: 'Redis', command: 'gateway doctor' },
  nodes: { title: 'Nodes and threads', command: 'gateway nodes' },
  jobs: { title: 'Jobs and backups', command: 'gateway jobs list' },
  sockets: { title: 'WebSockets', command: 'gateway top' },
  events: { title: 'Events', command: 'gateway events' },
  configuration: { title: 'Configuration', command: 'gateway config' },
} as const;
export type PanelName = keyof typeof PANELS;

/** Builds all panels, empty, and the links to them. */
export function buildPanels(): void {
  const names = Object.entries(PANELS);
  byId('panels').append(
    ...names.map(([name, { title, command: same }]) =>
      el('section', { class: 'panel', id: name, 'aria-labelledby': `${name}-title` }, [
        el('header', {}, [
          el('h2', { id: `${name}-title` }, title),
          el('div', { class: 'note', id: `${name}-note` }),
          command(same),
        ]),
        el('div', { class: 'body', id: `${name}-body` }),
      ]),
    ),
  );
  byId('nav').append(...names.map(([name, { title }]) => el('a', { href: `#${name}` }, title)));
}

/** Fills a panel. */
export const fill = (name: PanelName, children: readonly Child[]): void => show(byId(`${name}-body`), children);

/** What stands beside a panel's title. */
export const note = (name: PanelName, children: readonly Child[]): void => show(byId(`${name}-note`), children);
