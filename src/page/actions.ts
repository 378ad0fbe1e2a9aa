import type { BreakerAnswer } from '../shared/admin/breakers.ts';
import type { TargetChangeAnswer } from '../shared/admin/targets.ts';
import { call, Refusal, segment } from './api.ts';
import { confirm, toast } from './dialogs.ts';
import type { Child } from './dom.ts';
import { outside } from './parts.ts';
import { quoted } from './quoted.ts';
import { rollback } from './rollback.ts';
import type { Data } from './rollback.ts';

/** What a change needs of the page. */
export interface Changing {
  /** Resolves with whether there is a session, asking for the token where there is none. */
  readonly signedIn: () => Promise<boolean>;
  /** Something was changed: ask anew. */
  readonly changed: () => void;
  /** The gateway says that the session is over. */
  readonly expired: () => void;
  readonly why: (client: string) => void;
}

const BREAKERS = {
  OPEN: {
    title: 'Hold a breaker open',
    yes: 'Hold it open',
    tone: 'bad',
    says: ['Every node will refuse requests to ', ' with 503.'],
    command: 'gateway breaker open',
  },
  CLOSED: {
    title: 'Hold a breaker closed',
    yes: 'Hold it closed',
    tone: 'bad',
    says: ['Every node will let all requests to ', ' pass, however many fail.'],
    command: 'gateway breaker close',
  },
  AUTO: {
    title: 'Let a breaker decide again',
    yes: 'Give it back',
    tone: 'plain',
    says: ['The breaker of ', ' will open and close by itself again.'],
    command: 'gateway breaker auto',
  },
} as const;

const LIMITS = {
  BANNED: {
    title: 'Ban a client',
    yes: 'Ban',
    tone: 'bad',
    says: ['Every node will refuse all requests of ', ' with 429.'],
    command: 'gateway limit ban',
  },
  EXEMPT: {
    title: 'Exempt a client',
    yes: 'Exempt',
    tone: 'bad',
    says: ['No node will limit ', '.'],
    command: 'gateway limit exempt',
  },
  AUTO: {
    title: 'End a ban or an exemption',
    yes: 'Give back',
    tone: 'plain',
    says: ['The limits of ', ' hold again.'],
    command: 'gateway limit auto',
  },
} as const;

const TARGETS = {
  DRAINED: {
    title: 'Drain a target',
    yes: 'Drain',
    tone: 'bad',
    says: ['No node will send new requests to ', '; what is under way goes on.'],
    command: 'gateway targets drain',
  },
  AUTO: {
    title: 'Take a target back',
    yes: 'Take it back',
    tone: 'plain',
    says: ['All nodes will send requests to ', ' again.'],
    command: 'gateway targets up',
  },
} as const;

const DONE = 'Done: the whole cluster knows.';
const DONE_HERE = 'Done on this node; Redis has not confirmed it yet.';

const about = ([before, after]: readonly [string, string], name: string): readonly Child[] => [
  before,
  outside(name),
  after,
];

async function breaker({ upstream = '', state = '' }: Data): Promise<boolean> {
  const { says, command, ...how } = BREAKERS[state as keyof typeof BREAKERS];
  const isAuto = state === 'AUTO';
  return confirm({
    ...how,
    text: about(says, upstream),
    name: upstream,
    command: `${command} ${quoted(upstream)}`,
    forSeconds: !isAuto,
    run: async (seconds) => {
      const body = isAuto ? { state } : { state, for: seconds };
      const { scope } = await call<BreakerAnswer>('POST', `/admin/breakers/${segment(upstream)}`, body);
      toast(scope === 'cluster' ? DONE : DONE_HERE);
    },
  });
}

async function target({ upstream = '', target: url = '', state = '' }: Data): Promise<boolean> {
  const { says, command, ...how } = TARGETS[state as keyof typeof TARGETS];
  const isAuto = state === 'AUTO';
  return confirm({
    ...how,
    text: about(says, url),
    name: url,
    command: `${command} ${quoted(upstream)} ${quoted(url)}`,
    forSeconds: !isAuto,
    run: async (seconds) => {
      const body = { target: url, state, ...(isAuto ? {} : { for: seconds }) };
      const { scope } = await call<TargetChangeAnswer>('POST', `/admin/targets/${segment(upstream)}`, body);
      toast(scope === 'cluster' ? DONE : DONE_HERE);
    },
  });
}

async function limit({ client = '', state = '' }: Data): Promise<boolean> {
  const { says, command, ...how } = LIMITS[state as keyof typeof LIMITS];
  const isAuto = state === 'AUTO';
  return confirm({
    ...how,
    text: about(says, client),
    name: client,
    command: `${command} ${quoted(client)}`,
    forSeconds: !isAuto,
    run: async (seconds) => {
      await call('POST', `/admin/limits/${segment(client)}`, isAuto ? { state } : { state, for: seconds });
      toast('Done.');
    },
  });
}

const reset = ({ client = '' }: Data): Promise<boolean> =>
  confirm({
    title: 'Reset a client',
    text: ['The buckets of ', outside(client), ' will be full again, on all nodes.'],
    name: client,
    command: `gateway limit reset ${quoted(client)}`,
    yes: 'Reset',
    tone: 'plain',
    run: async () => {
      await call('DELETE', `/admin/limits/${segment(client)}`);
      toast('Done: its buckets are full.');
    },
  });

const job = ({ job: name = '' }: Data): Promise<boolean> =>
  confirm({
    title: 'Run a job now',
    text: ['One of the nodes will run ', outside(name), ' now, whatever its schedule says.'],
    name,
    command: `gateway jobs run ${quoted(name)}`,
    yes: 'Run now',
    tone: 'plain',
    run: async () => {
      await call('POST', `/admin/jobs/${segment(name)}`, {});
      toast('It is on its way; the events tell what becomes of it.');
    },
  });

const reload = ({ node = '' }: Data): Promise<boolean> =>
  confirm({
    title: 'Read the configuration again',
    text: ['Node ', outside(node), ' reads its configuration again and applies it. An invalid one changes nothing.'],
    name: node,
    command: 'gateway reload',
    yes: 'Read it again',
    tone: 'plain',
    run: async () => {
      await call('POST', '/admin/reload');
      toast('The configuration is in use.');
    },
  });

const CHANGES: Readonly<Record<string, (data: Data) => Promise<boolean>>> = {
  breaker,
  target,
  limit,
  reset,
  job,
  reload,
  rollback,
};

/** Does what the buttons of all panels ask for. */
export function listenForActions({ signedIn, changed, expired, why }: Changing): void {
  document.addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLElement>('[data-action], [data-copy]');
    if (button === null) return;
    const { action = '', copy } = button.dataset;
    if (copy !== undefined) return void copied(copy);
    if (action === 'why') return why(button.dataset['client'] ?? '');
    const change = CHANGES[action];
    if (change === undefined) return;
    const data: Data = Object.fromEntries(Object.entries(button.dataset));
    void (async () => {
      try {
        if ((await signedIn()) && (await change(data))) changed();
      } catch (error) {
        if (error instanceof Refusal && error.code === 'session_expired') expired();
        else toast(error instanceof Refusal ? error.message : String(error));
      }
    })();
  });
}

async function copied(text: string): Promise<void> {
  try {
    // Only where the page came over HTTPS or from this machine.
    await navigator.clipboard.writeText(text);
    toast(`Copied: ${text}`);
  } catch {
    toast(text);
  }
}
