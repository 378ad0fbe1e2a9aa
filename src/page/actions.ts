import { call, Refusal, segment } from './api.ts';
import { confirm, toast } from './dialogs.ts';
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

/** How a state that an operator gives by hand is asked for. */
interface Asked {
  readonly title: string;
  readonly yes: string;
  readonly tone: 'plain' | 'bad';
  /** What will be, before and after the name. */
  readonly says: readonly [before: string, after: string];
  readonly command: string;
}

/** What an operator can have a word over, for a time: which states there are, and how it is called. */
interface Steered {
  readonly states: Readonly<Record<string, Asked>>;
  /** What is typed to confirm. */
  readonly name: (data: Data) => string;
  /** What the command takes. */
  readonly operands: (data: Data) => readonly string[];
  readonly path: (data: Data) => string;
  /** What the call takes beside the state and its time. */
  readonly more?: (data: Data) => object;
}

const BREAKER: Steered = {
  name: ({ upstream = '' }) => upstream,
  operands: ({ upstream = '' }) => [upstream],
  path: ({ upstream = '' }) => `/admin/breakers/${segment(upstream)}`,
  states: {
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
  },
};

const LIMIT: Steered = {
  name: ({ client = '' }) => client,
  operands: ({ client = '' }) => [client],
  path: ({ client = '' }) => `/admin/limits/${segment(client)}`,
  states: {
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
  },
};

const TARGET: Steered = {
  name: ({ target = '' }) => target,
  operands: ({ upstream = '', target = '' }) => [upstream, target],
  path: ({ upstream = '' }) => `/admin/targets/${segment(upstream)}`,
  more: ({ target = '' }) => ({ target }),
  states: {
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
  },
};

const DONE = 'Done: the whole cluster knows.';
const DONE_HERE = 'Done on this node alone: it has no Redis, or Redis has not confirmed it yet.';

/** Gives something a state by hand for a time, or back (`AUTO`), on all nodes. */
const steer =
  ({ states, name: nameOf, operands, path, more }: Steered) =>
  async (data: Data): Promise<boolean> => {
    const { state = '' } = data;
    const asked = states[state];
    if (asked === undefined) return false;
    const { command, says, ...how } = asked;
    const name = nameOf(data);
    const isAuto = state === 'AUTO';
    return confirm({
      ...how,
      text: [says[0], outside(name), says[1]],
      name,
      command: [command, ...operands(data).map(quoted)].join(' '),
      forSeconds: !isAuto,
      run: async (seconds) => {
        const body = { state, ...more?.(data), ...(isAuto ? {} : { for: seconds }) };
        const { scope } = await call<{ readonly scope: 'cluster' | 'node' }>('POST', path(data), body);
        toast(scope === 'cluster' ? DONE : DONE_HERE);
      },
    });
  };

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
  breaker: steer(BREAKER),
  target: steer(TARGET),
  limit: steer(LIMIT),
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
