import type { PageAnswer } from '../shared/admin/page.ts';
import { shedReasons } from '../shared/admin/shed-reasons.ts';
import { el } from './dom.ts';
import type { Child } from './dom.ts';
import { duration, figure, secondsBetween } from './format.ts';
import { fill, note } from './panels.ts';
import { countOf } from './sockets.ts';
import { action, badge, empty, outside, table } from './parts.ts';
import type { Row, Tone } from './parts.ts';

type Breaker = PageAnswer['breakers']['breakers'][number];
type Rates = PageAnswer['upstreams'][number];
type Target = PageAnswer['targets']['targets'][number];

const COLUMNS = [
  { title: 'Upstream' },
  { title: 'Breaker' },
  { title: 'Targets' },
  { title: 'Req/s', right: true },
  { title: 'In flight', right: true },
  { title: 'Queue', right: true },
  { title: 'Retries/s', right: true },
  { title: 'Refused', right: true },
  { title: '' },
];

const TONES: Readonly<Record<Breaker['state'], Tone>> = { CLOSED: 'good', HALF_OPEN: 'warn', OPEN: 'bad' };
const WORDS: Readonly<Record<Breaker['state'], string>> = { CLOSED: 'Closed', HALF_OPEN: 'Half open', OPEN: 'Open' };

function breakerCell(breaker: Breaker, answer: PageAnswer): readonly Child[] {
  const { upstream, state, mode, forced, reason, openForSeconds, oneClient } = breaker;
  if (mode === 'off') return [badge('idle', 'Off')];
  const since = answer.breakerSince[upstream];
  const facts = [
    since === undefined ? '' : `for ${duration(secondsBetween(since, answer.at))}`,
    mode === 'shadow' ? 'shadow: refuses nothing' : '',
    forced === null
      ? ''
      : `held ${WORDS[forced.state].toLowerCase()} by hand, ${duration(forced.remainingSeconds)} left`,
    state === 'OPEN' && forced === null ? `next probe in ${duration(openForSeconds)}` : '',
    state !== 'CLOSED' && oneClient ? 'for one client only' : '',
    state !== 'CLOSED' ? reason.replaceAll('_', ' ') : '',
  ].filter((text) => text !== '');
  return [
    badge(TONES[state], WORDS[state]),
    el(
      'span',
      { class: 'detail' },
      facts.map((text, i) => el('span', {}, i === 0 ? text : ` · ${text}`)),
    ),
  ];
}

function actionsOf({ upstream, mode, forced }: Breaker, answer: PageAnswer): readonly Child[] {
  if (answer.ui.mode === 'read-only' || mode !== 'on') return [];
  return [
    action('breaker', 'Hold open', { upstream, state: 'OPEN', label: `the breaker of ${upstream}` }),
    action('breaker', 'Hold closed', { upstream, state: 'CLOSED', label: `the breaker of ${upstream}` }),
    forced === null
      ? null
      : action('breaker', 'Give back', {
          upstream,
          state: 'AUTO',
          label: `Let the breaker of ${upstream} decide again`,
        }),
  ];
}

const TARGETS: Readonly<Record<Target['state'], readonly [Tone, string]>> = {
  up: ['good', 'Up'],
  down: ['bad', 'Down'],
  unknown: ['idle', 'Not known yet'],
  unprobed: ['idle', 'Not probed'],
};

/** The first that holds: an operator's word, what requests have found, what probes have. */
function wordOf({ state, drained, ejected }: Target, isUnreachable: boolean): readonly [Tone, string] {
  if (drained !== null) return ['warn', 'Drained'];
  if (state === 'down') return TARGETS.down;
  if (isUnreachable) return ['bad', 'Unreachable'];
  return ejected === null ? TARGETS[state] : ['bad', 'Ejected'];
}

const targetAction = ({ upstream, target, drained }: Target): Child =>
  drained === null
    ? action('target', 'Drain', { upstream, target, state: 'DRAINED', label: `target ${target} of ${upstream}` })
    : action('target', 'Take back', { upstream, target, state: 'AUTO', label: `target ${target} of ${upstream}` });

function targetRow(target: Target, answer: PageAnswer): Row {
  const { upstream, target: url, used, why, since, checkedSecondsAgo, by, ejected } = target;
  const unreachable = answer.status.unreachable.find((each) => each.target === url && each.upstream === upstream);
  const [tone, word] = wordOf(target, unreachable !== undefined);
  const facts = [
    used ? '' : 'not used',
    unreachable?.reason ?? '',
    why,
    ejected === null
      ? ''
      : ejected.forSeconds === 0
        ? 'the next request tries it'
        : `tried again in ${duration(ejected.forSeconds)}`,
    since === null ? '' : `for ${duration(secondsBetween(since, answer.at))}`,
    checkedSecondsAgo === null ? '' : `probed ${duration(checkedSecondsAgo)} ago${by === '' ? '' : ` by ${by}`}`,
  ].filter((text) => text !== '');
  return {
    key: `${upstream} ${url}`,
    tone: 'sub',
    cells: [
      outside(url),
      el('div', { class: 'split' }, [
        el('span', {}, [
          badge(tone, word),
          el(
            'span',
            { class: 'detail' },
            facts.map((text, i) => el('span', {}, [i === 0 ? '' : ' · ', outside(text)])),
          ),
        ]),
        answer.ui.mode === 'read-only' ? null : targetAction(target),
      ]),
    ],
  };
}

const sumUp = (targets: readonly Target[], answer: PageAnswer): Child => {
  const away = targets.filter(
    ({ upstream, target, state, used }) =>
      state === 'down' ||
      !used ||
      answer.status.unreachable.some((each) => each.target === target && each.upstream === upstream),
  ).length;
  const text = `${targets.length - away} of ${targets.length}`;
  return away === 0 ? text : badge(away === targets.length ? 'bad' : 'warn', text);
};

/** Connections in use; and where the upstream has a limit, how much of it this node has under way. */
function inFlightCell(upstream: string, rates: Rates | undefined, { status }: PageAnswer): readonly Child[] {
  const limit = status.overload.upstreams.find((each) => each.upstream === upstream);
  const used = figure(rates?.busy);
  if (limit === undefined) return [used];
  const { inFlight, max } = limit;
  const text = `${inFlight} of ${max} here`;
  return [used, ' ', inFlight < max ? el('span', { class: 'detail' }, text) : badge('warn', text)];
}

/** What this node has refused because more came than could be served. */
function shedLine({ status }: PageAnswer): Child {
  const reasons = shedReasons(status.overload.shed);
  return reasons.length === 0
    ? el('p', { class: 'faint' }, 'This node has refused nothing for overload in the last minute.')
    : el('p', {}, [badge('warn', 'Overload'), ` This node has refused in the last minute: ${reasons.join('; ')}.`]);
}

/** Upstreams, their breakers and targets. */
export function showUpstreams(answer: PageAnswer): void {
  const { breakers, targets, upstreams } = answer;
  const scope = breakers.scope === 'cluster' ? 'breakers of the whole cluster' : 'breakers of this node alone';
  note('upstreams', [`${scope} · rates ${countOf(answer.summed.length, answer.nodes.nodes.length)}`]);
  if (breakers.breakers.length === 0) return fill('upstreams', [empty('The configuration has no upstream.')]);
  const rows = breakers.breakers.flatMap((breaker): Row[] => {
    const { upstream, state, mode, refused } = breaker;
    const rates = upstreams.find((each) => each.upstream === upstream);
    const own = targets.targets.filter((each) => each.upstream === upstream);
    return [
      {
        key: upstream,
        tone: state === 'CLOSED' || mode !== 'on' ? undefined : TONES[state],
        cells: [
          outside(upstream),
          breakerCell(breaker, answer),
          [sumUp(own, answer), targets.panic.includes(upstream) ? badge('bad', 'panic: all are used') : null],
          figure(rates?.requests),
          inFlightCell(upstream, rates, answer),
          figure(rates?.queued),
          figure(rates?.retries),
          figure(refused),
          el('div', { class: 'actions' }, actionsOf(breaker, answer)),
        ],
      },
      ...own.map((target) => targetRow(target, answer)),
    ];
  });
  fill('upstreams', [table('Upstreams and their targets', COLUMNS, rows), shedLine(answer)]);
}
