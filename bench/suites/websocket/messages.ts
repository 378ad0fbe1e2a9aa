import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import type { Burst } from '../../shared/load/websocket-frames.ts';
import { expectEcho } from '../../shared/load/websocket-echo.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import { heavyLoad } from './load-weight.ts';
import type { WebSocketPart } from './parts.ts';
import { PATH } from './subjects.ts';
import type { WebSocketProxy } from './subjects.ts';

const FIGURES = ['cpu-per-message', 'cpu-user', 'cpu-system', 'cpu-load', 'messages', 'p50', 'p99'] as const;

export interface MessageCase {
  readonly name: WebSocketPart;
  readonly title: string;
  readonly burst: Burst;
  /** The most CPU per message the gateway may need of HAProxy's. */
  readonly target: number;
}

const KB = 1024;

export const MESSAGE_CASES: readonly MessageCase[] = [
  { name: 'small', title: '64 B echoed, one at a time', burst: { messageBytes: 64, messages: 1 }, target: 1 },
  { name: 'small-burst', title: '64 B echoed, bursts of 8', burst: { messageBytes: 64, messages: 8 }, target: 1.2 },
  { name: 'large', title: '16 KB echoed, one at a time', burst: { messageBytes: 16 * KB, messages: 1 }, target: 1 },
  {
    name: 'large-burst',
    title: '16 KB echoed, bursts of 8',
    burst: { messageBytes: 16 * KB, messages: 8 },
    target: 1.2,
  },
];

/** What a message costs that goes to the upstream and comes back. */
export async function measureMessages(
  context: CaseContext,
  proxies: readonly WebSocketProxy[],
  cases: readonly MessageCase[],
): Promise<void> {
  const { record, settings } = context;
  const subjects: Subject[] = [];
  for (const proxy of proxies) subjects.push(await proxy.start(settings.connections));
  for (const { name, title, burst, target } of cases) {
    const request = { name, method: 'GET', requestBody: undefined, websocket: burst } as const;
    const verify = ({ name: who, url }: Subject): Promise<void> =>
      expectEcho(url + PATH, burst).catch((error: unknown) => {
        throw new Error(`${who}, ${title}: ${String(error)}`, { cause: error });
      });
    const seen = await runCase(context, { title, request, path: PATH, subjects, verify });
    recordMeasures(record, seen, FIGURES);
    record.note(`${title}: the load alone reaches ${Math.round(seen.ceilingPerSecond ?? 0)} messages a second.`);
    const [gateway, ...peers] = subjects.map((subject) => subject.name);
    for (const against of peers) {
      const refused = heavyLoad(seen.runs, gateway ?? '') ?? heavyLoad(seen.runs, against);
      const goal = against === 'HAProxy' ? { target } : {};
      recordRatio(record, seen, { subject: gateway ?? '', against, metric: 'cpu-per-message', refused, ...goal });
    }
  }
  record.method({ loadCeilingPerSecond: null }); // of requests; the notes have it for each case
  await Promise.all(subjects.map(stopSubject));
}
