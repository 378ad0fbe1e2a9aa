import type { PageAnswer, PageProblem } from '../shared/admin/page.ts';
import { byId, el, show } from './dom.ts';
import type { Child } from './dom.ts';
import { clock, duration, secondsBetween } from './format.ts';
import { command, outside } from './parts.ts';

/** As the headings of the runbook are linked to. */
const anchorOf = (section: string): string => section.toLowerCase().replaceAll(' ', '-');

const since = (from: string | null, now: string): Child =>
  from === null
    ? null
    : el('span', { class: 'since' }, [
        'since ',
        el('time', { datetime: from }, clock(from, now)),
        ` · ${duration(secondsBetween(from, now))}`,
      ]);

/** Problems that the same section and command are for, which may all have one cause. */
type Kind = readonly [PageProblem, ...PageProblem[]];

function kindsOf(problems: readonly PageProblem[]): readonly Kind[] {
  const kinds = new Map<string, [PageProblem, ...PageProblem[]]>();
  for (const problem of problems) {
    const key = problem.section === '' ? problem.text : `${problem.section} ${problem.command}`;
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, [problem]);
    else kind.push(problem);
  }
  return [...kinds.values()];
}

/** The earliest that is known. */
const firstOf = (problems: readonly PageProblem[]): string | null =>
  problems
    .map(({ since: from }) => from)
    .filter((from) => from !== null)
    .toSorted()[0] ?? null;

const kindItem = (kind: Kind, answer: PageAnswer) => {
  const [{ text: firstText, node: firstNode, section, command: same }] = kind;
  return el(
    'li',
    {
      class: kind.some(({ severity }) => severity === 'bad') ? 'bad' : 'warn',
      'data-key': `${firstNode} ${firstText}`,
    },
    [
      el(
        'div',
        { class: 'what' },
        kind.map(({ text, node }) =>
          el('p', {}, [
            outside(text),
            node === answer.node ? null : el('span', { class: 'where' }, ['on ', outside(node)]),
          ]),
        ),
      ),
      el('div', { class: 'todo' }, [
        since(firstOf(kind), answer.at),
        section === ''
          ? null
          : el('a', { href: `runbook#${anchorOf(section)}`, target: '_blank' }, `Runbook: ${section}`),
        command(same),
      ]),
    ],
  );
};

const TITLES = {
  ok: 'All well',
  degraded: 'Something is wrong',
  draining: 'This node is about to end',
  warn: 'Works, but look at this',
};

/** What the gateway is, in a word. */
export function stateOf({ status, problems }: PageAnswer): 'ok' | 'warn' | 'bad' {
  if (problems.some(({ severity }) => severity === 'bad')) return 'bad';
  return problems.length > 0 || status.verdict !== 'ok' ? 'warn' : 'ok';
}

function titleOf(answer: PageAnswer): string {
  const state = stateOf(answer);
  if (answer.status.verdict === 'draining') return TITLES.draining;
  return state === 'ok' ? TITLES.ok : state === 'bad' ? TITLES.degraded : TITLES.warn;
}

/** The first thing that is read. */
export function showVerdict(answer: PageAnswer): void {
  const { problems, okSince, at, status } = answer;
  const into = byId('verdict');
  const state = stateOf(answer);
  into.dataset['state'] = state;
  document.documentElement.dataset['state'] = state;
  const kinds = kindsOf(problems);
  const count = kinds.length > 1 ? `${kinds.length} problems` : kinds.length === 1 ? '1 problem' : '';
  show(into, [
    el('div', { class: 'line' }, [
      el('span', { class: 'sign', 'aria-hidden': 'true' }),
      el('p', { class: 'title' }, titleOf(answer)),
      el('span', { class: 'faint' }, [
        count === '' ? '' : `${count} `,
        since(state === 'ok' ? okSince : firstOf(problems), at),
      ]),
    ]),
    problems.length === 0
      ? null
      : el(
          'ul',
          { class: 'problems' },
          kinds.map((each) => kindItem(each, answer)),
        ),
    status.warnings.length === 0
      ? null
      : el('details', { class: 'notes' }, [
          el(
            'summary',
            {},
            `${status.warnings.length} ${status.warnings.length === 1 ? 'note' : 'notes'} on the configuration and the traffic`,
          ),
          el(
            'ul',
            {},
            status.warnings.map((text) => el('li', {}, outside(text))),
          ),
        ]),
  ]);
  const signs = { ok: '●', warn: '▲', bad: '■' } as const;
  document.title = `${signs[state]} ${state === 'ok' ? 'All well' : titleOf(answer)} · ${answer.node}`;
}

/** Nothing is known any more. */
export function showSilence(why: string, lastAt: string | undefined): void {
  const into = byId('verdict');
  into.dataset['state'] = 'lost';
  document.documentElement.dataset['state'] = 'lost';
  document.title = '◌ No answer · Gateway';
  show(into, [
    el('div', { class: 'line' }, [
      el('span', { class: 'sign', 'aria-hidden': 'true' }),
      el('p', { class: 'title' }, 'No answer from this gateway'),
      el(
        'span',
        { class: 'faint' },
        lastAt === undefined ? why : `${why} What is below is of ${clock(lastAt, lastAt)}.`,
      ),
    ]),
    el('ul', { class: 'problems' }, [
      el('li', { class: 'bad' }, [
        el(
          'div',
          { class: 'what' },
          'The page asks again every two seconds. Ask another node, or look on the machine itself.',
        ),
        el('div', { class: 'todo' }, [command('gateway status'), command('gateway doctor')]),
      ]),
    ]),
  ]);
}
