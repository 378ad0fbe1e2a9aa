import type { PageAnswer } from '../shared/admin/page.ts';
import { listenForActions } from './actions.ts';
import { call, Refusal, segment } from './api.ts';
import { Charts } from './charts.ts';
import type { ChartChoice } from './charts.ts';
import { Clients } from './clients.ts';
import { Configuration } from './configuration.ts';
import { signIn, toast } from './dialogs.ts';
import { byId, el, show } from './dom.ts';
import { Events } from './events.ts';
import { clock, duration } from './format.ts';
import { showNodes, showRedis } from './infra.ts';
import { showJobs } from './jobs.ts';
import { buildPanels } from './panels.ts';
import { outside } from './parts.ts';
import { showSockets } from './sockets.ts';
import { showUpstreams } from './upstreams.ts';
import { showSilence, showVerdict } from './verdict.ts';

/** One question after the other, so that a slow gateway is not asked more. */
const EVERY_MS = 2_000;
const EVERY_HIDDEN_MS = 15_000;
/** After an event it asks at once, but not more often than this, however much happens. */
const SOONEST_MS = 500;

buildPanels();
let choice: ChartChoice = { minutes: 15, of: '' };
let last: PageAnswer | undefined;
let next: ReturnType<typeof setTimeout> | undefined;
let asking = false;
let askedMs = Number.NEGATIVE_INFINITY;
let isAgainWanted = false;
let isAsked = false;
let isSignedIn = false;
/** Sessions that were begun or ended here: what was asked for before says nothing of the one there is now. */
let sessions = 0;

const charts = new Charts(choice, (chosen) => {
  choice = chosen;
  ask();
});
const clients = new Clients();
const configuration = new Configuration();
const events = new Events(ask);

function ask(): void {
  if (asking) {
    isAgainWanted = true;
    return;
  }
  clearTimeout(next);
  next = setTimeout(() => void poll(), soonMs());
}

const soonMs = (): number => Math.max(0, askedMs + SOONEST_MS - performance.now());

async function poll(): Promise<void> {
  asking = true;
  askedMs = performance.now();
  const askedIn = sessions;
  try {
    const asked = choice;
    const { minutes, of } = asked;
    const whose = of === '' ? '' : `&node=${segment(of)}`;
    const answer = await call<PageAnswer>('GET', `/admin/page?minutes=${minutes}${whose}`);
    if (asked === choice) charts.show(answer.history);
    showAnswer(answer);
    if (askedIn === sessions) showSession(answer);
  } catch (error) {
    failed(error, askedIn);
  } finally {
    asking = false;
    const waitMs = isAgainWanted ? soonMs() : document.hidden ? EVERY_HIDDEN_MS : EVERY_MS;
    isAgainWanted = false;
    next = setTimeout(() => void poll(), waitMs);
  }
}

function showAnswer(answer: PageAnswer): void {
  last = answer;
  document.documentElement.dataset['ready'] = 'yes';
  showVerdict(answer);
  charts.tellScope(answer);
  showUpstreams(answer);
  clients.show(answer);
  showSockets(answer);
  showRedis(answer);
  showNodes(answer);
  showJobs(answer);
  configuration.show(answer);
  const { status, node, at } = answer;
  show(byId('whoami'), [outside(node)]);
  show(byId('foot'), [
    `Gateway ${status.version} · up ${duration(status.uptimeSeconds)} · as of ${clock(at, at)} · `,
    el('a', { href: '?plain' }, 'plain'),
    ' · ',
    el('a', { href: '/admin/openapi.json' }, 'API'),
  ]);
  events.start();
}

function showSession({ ui }: PageAnswer): void {
  const was = isSignedIn;
  isSignedIn = ui.session === 'valid';
  const into = byId('session');
  if (ui.mode === 'read-only') {
    show(into, [
      el('span', { class: 'chip', title: 'ADMIN_UI=on, or an ADMIN_TOKEN, lets people sign in here.' }, 'Read-only'),
    ]);
    return;
  }
  show(into, [
    el(
      'button',
      { type: 'button', class: 'small', 'data-session': isSignedIn ? 'out' : 'in' },
      isSignedIn ? 'Sign out' : 'Sign in',
    ),
  ]);
  if (was && !isSignedIn) void sessionOver();
}

/** Once for each end of a session: whoever closes the form is left alone. */
async function sessionOver(): Promise<void> {
  isSignedIn = false;
  if (isAsked) return;
  await askForToken('Your session is over: sign in again to change anything.');
}

async function askForToken(why: string): Promise<boolean> {
  isAsked = true;
  try {
    isSignedIn = await signIn(why, (token) => call('POST', '/admin/session', { token }));
    if (isSignedIn) {
      sessions++;
      toast('Signed in.');
    }
    ask();
    return isSignedIn;
  } finally {
    isAsked = false;
  }
}

function failed(error: unknown, askedIn: number): void {
  const refused = error instanceof Refusal ? error : undefined;
  if (refused?.status === 401) {
    if (askedIn !== sessions) return;
    showSilence('This needs the admin token.', last?.at);
    if (!isAsked && !document.hidden) {
      const isOver = refused.code === 'session_expired';
      void askForToken(
        isOver ? 'Your session is over.' : 'Without the admin token nothing is shown to who asks from elsewhere.',
      );
    }
    return;
  }
  showSilence(refused?.message ?? String(error), last?.at);
  events.stop();
}

byId('session').addEventListener('click', (event) => {
  const wish = (event.target as HTMLElement).dataset['session'];
  if (wish === 'in') void askForToken('With the admin token this page can change what it shows.');
  if (wish === 'out') {
    isSignedIn = false;
    const ended = (): void => {
      isSignedIn = false; // an answer that came meanwhile may have said otherwise
      sessions++;
      ask();
    };
    void call('DELETE', '/admin/session').then(ended, ended);
  }
});
listenForActions({
  signedIn: async () => isSignedIn || askForToken('This changes something, so it needs the admin token.'),
  changed: () => {
    ask();
    clients.again();
  },
  expired: () => void sessionOver(),
  why: (client) => {
    void clients.ask(client);
    byId('why-client').scrollIntoView({ block: 'center' });
  },
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) ask();
});
ask();
