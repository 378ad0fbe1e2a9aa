import type { WhyAnswer } from '../shared/admin/why.ts';
import type { PageAnswer } from '../shared/admin/page.ts';
import { call, Refusal, segment } from './api.ts';
import { byId, el, show } from './dom.ts';
import type { Child } from './dom.ts';
import { duration, figure } from './format.ts';
import { note } from './panels.ts';
import { quoted } from './quoted.ts';
import { action, badge, command, empty, level, outside, table } from './parts.ts';

const REFUSED = [{ title: 'Most refused' }, { title: 'Refused', right: true }, { title: '' }];
const OVERRIDES = [
  { title: 'Banned or exempt' },
  { title: 'State' },
  { title: 'Left', right: true },
  { title: 'By' },
  { title: '' },
];
const BUCKETS = [
  { title: 'Limit' },
  { title: 'Tokens', right: true },
  { title: 'Level' },
  { title: 'Refill/s', right: true },
  { title: 'Full in', right: true },
];
const REASONS = [{ title: 'Route' }, { title: 'Answer' }, { title: 'Why, and what to do' }];
const ROUTES = [{ title: 'Route' }, { title: 'As far as limits go' }, { title: 'Cost', right: true }];

/** Clients: who is refused, why, and what can be done about it. */
export class Clients {
  #asked: string | undefined;
  /** Where that one comes from; '' = nobody has said. */
  #from = '';
  #mayChange = false;

  constructor() {
    byId('clients-body').append(
      el('div', { class: 'two' }, [
        el('div', { id: 'refused' }),
        el('div', {}, [
          el('form', { id: 'why', class: 'ask' }, [
            el('label', { for: 'why-client' }, 'Why is this client refused?'),
            el('div', { class: 'field' }, [
              el('input', {
                id: 'why-client',
                name: 'client',
                placeholder: 'address or name',
                autocomplete: 'off',
                spellcheck: 'false',
                maxlength: 1024,
              }),
              el('input', {
                id: 'why-address',
                name: 'address',
                placeholder: 'from (optional)',
                'aria-label': 'Address that the client comes from, where that is not what names it',
                autocomplete: 'off',
                spellcheck: 'false',
                maxlength: 45,
              }),
              el('button', { type: 'submit' }, 'Look'),
            ]),
          ]),
          el('div', {
            id: 'why-answer',
            role: 'region',
            'aria-live': 'polite',
            'aria-label': 'What is known of the client',
          }),
        ]),
      ]),
    );
    byId('why').addEventListener('submit', (event) => {
      event.preventDefault();
      const [client, from] = ['why-client', 'why-address'].map((id) => (byId(id) as HTMLInputElement).value.trim());
      void this.ask(client ?? '', from);
    });
  }

  show(answer: PageAnswer): void {
    const { refused, overrides } = answer;
    this.#mayChange = answer.ui.mode === 'on';
    const nodes =
      refused === null
        ? ''
        : refused.scope === 'cluster'
          ? `of ${refused.nodes} ${refused.nodes === 1 ? 'node' : 'nodes'}`
          : 'of this node';
    const window =
      refused === null || refused.windowSeconds === 0 ? '' : `, the last ${duration(refused.windowSeconds)}`;
    note('clients', [refused !== null && refused.clients.length > 0 ? nodes + window : nodes]);
    const rows = (refused?.clients ?? []).map(({ client, refused: count, overcount }) => ({
      key: client,
      cells: [
        outside(client),
        `${overcount > 0 ? '≈ ' : ''}${figure(count)}`,
        el('div', { class: 'actions' }, this.#clientActions(client, true)),
      ],
    }));
    const held = overrides.overrides.map(({ client, state, remainingSeconds, by, scope }) => ({
      key: client,
      cells: [
        outside(client),
        [
          badge(state === 'BANNED' ? 'bad' : 'warn', state === 'BANNED' ? 'Banned' : 'Exempt'),
          scope === 'node' ? el('span', { class: 'detail' }, 'known to this node only') : null,
        ],
        duration(remainingSeconds),
        outside(by),
        this.#mayChange
          ? el(
              'div',
              { class: 'actions' },
              action('limit', 'Give back', { client, state: 'AUTO', label: `End what was said of ${client}` }),
            )
          : null,
      ],
    }));
    show(byId('refused'), [
      rows.length === 0 ? empty('Nobody has been refused lately.') : table('Most refused clients', REFUSED, rows),
      held.length === 0 ? null : table('Banned and exempt clients', OVERRIDES, held),
    ]);
  }

  /** Shows what is known of a client. @param from the address it comes from */
  async ask(client: string, from = ''): Promise<void> {
    if (client === '') return;
    this.#asked = client;
    this.#from = from;
    (byId('why-client') as HTMLInputElement).value = client;
    (byId('why-address') as HTMLInputElement).value = from;
    try {
      const found = await call<WhyAnswer>(
        'GET',
        `/admin/why/${segment(client)}${from === '' ? '' : `?address=${encodeURIComponent(from)}`}`,
      );
      if (this.#asked === client) show(byId('why-answer'), this.#told(found, client, from));
    } catch (error) {
      if (this.#asked !== client) return;
      const text = error instanceof Refusal ? error.message : String(error);
      const unknown = error instanceof Refusal && error.status === 404;
      show(byId('why-answer'), [
        el('p', { class: unknown ? 'empty' : 'problem' }, [outside(client), `: ${text}`]),
        unknown && this.#mayChange ? el('div', { class: 'actions' }, this.#clientActions(client, false)) : null,
      ]);
    }
  }

  /** Once more, after a change. */
  again(): void {
    if (this.#asked !== undefined) void this.ask(this.#asked, this.#from);
  }

  #clientActions(client: string, withWhy: boolean): readonly Child[] {
    const why = withWhy ? [action('why', 'Why?', { client, label: `Why is ${client} refused?` })] : [];
    if (!this.#mayChange) return why;
    return [
      ...why,
      action('reset', 'Reset', { client, label: `Give ${client} full buckets` }),
      action('limit', 'Ban', { client, state: 'BANNED', label: `Ban ${client}` }),
      action('limit', 'Exempt', { client, state: 'EXEMPT', label: `Do not limit ${client}` }),
    ];
  }

  #told(found: WhyAnswer, asked: string, from: string): readonly Child[] {
    const { client, profile, buckets, routes, scope, reasons, known } = found;
    return [
      el('div', { class: 'answer' }, [
        el('p', {}, [el('strong', {}, outside(client)), ' ', verdictOf(found)]),
        el(
          'p',
          { class: 'faint' },
          [
            scope === 'cluster' ? 'As the whole cluster counts. ' : 'As this node alone counts. ',
            profile === null ? '' : ['Profile '],
            profile === null ? null : outside(profile.name),
            known ? '' : ' Nothing is known of it yet.',
          ].flat() as Child[],
        ),
        reasons.length === 0
          ? null
          : table(
              'What refuses it, and what to do',
              REASONS,
              reasons.map(({ route, code, status, certain, why, todo, retryAfterSeconds }) => ({
                key: `${route} ${code} ${why}`,
                cells: [
                  outside(route),
                  [
                    badge(certain ? 'bad' : 'warn', certain ? `${status} ${code}` : `perhaps ${code}`),
                    retryAfterSeconds > 0
                      ? el('span', { class: 'detail' }, `passes in ${duration(retryAfterSeconds)}`)
                      : null,
                  ],
                  [outside(why), el('span', { class: 'detail' }, outside(todo))],
                ],
              })),
            ),
        buckets.length === 0
          ? null
          : table(
              'Buckets',
              BUCKETS,
              buckets.map(({ rule, tokens, capacity, refillPerSecond, fullInSeconds }) => ({
                key: rule,
                cells: [
                  outside(rule),
                  `${figure(Math.floor(tokens))} of ${figure(capacity)}`,
                  level(capacity === 0 ? 1 : 1 - tokens / capacity, `Used of ${rule}`),
                  figure(refillPerSecond),
                  fullInSeconds === 0 ? 'now' : duration(fullInSeconds),
                ],
              })),
            ),
        routes.length === 0
          ? null
          : table(
              'Routes',
              ROUTES,
              routes.map(({ route, wouldPass, refusedBy, retryAfterSeconds, cost, shadow }) => ({
                key: route,
                cells: [
                  outside(route),
                  wouldPass
                    ? badge('good', 'passes')
                    : [
                        badge(shadow ? 'warn' : 'bad', shadow ? 'counted only' : 'refused'),
                        el('span', { class: 'detail' }, [
                          'by ',
                          outside(refusedBy ?? '?'),
                          retryAfterSeconds > 0 ? `, passes in ${duration(retryAfterSeconds)}` : '',
                        ]),
                      ],
                  figure(cost),
                ],
              })),
            ),
        el('div', { class: 'actions' }, [
          ...this.#clientActions(client === '' ? asked : client, false),
          command(`gateway why ${quoted(asked)}${from === '' ? '' : ` --address ${quoted(from)}`}`),
        ]),
      ]),
    ];
  }
}

/** In one badge: whether it passes. */
function verdictOf({ override, allowlisted, reasons, routes }: WhyAnswer): Child {
  const refused = new Set(reasons.filter(({ certain }) => certain).map(({ route }) => route)).size;
  if (override?.state === 'BANNED') return badge('bad', `Banned for ${duration(override.remainingSeconds)} more`);
  if (refused > 0) {
    return badge('bad', `Refused on ${refused} of ${routes.length} ${routes.length === 1 ? 'route' : 'routes'}`);
  }
  if (reasons.length > 0) return badge('warn', 'It depends on what its request brings');
  if (allowlisted) return badge('good', 'Never limited: it is on the allow-list');
  if (override?.state === 'EXEMPT') return badge('good', `Exempt for ${duration(override.remainingSeconds)} more`);
  return badge('good', routes.length === 0 ? 'No route limits it' : 'It would pass everywhere');
}
