import { BREAKER_KEY, OVERRIDES_KEY, SPLITS_KEY, TARGET_DRAINS_KEY } from '../../redis/keys.ts';
import type { Content } from './our-keys.ts';

/** What becomes of one thing in Redis when a backup is put back. */
export interface Difference {
  /** Whom or what it is about, such as a client or an upstream. */
  readonly subject: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** What is there now says something, which would be lost. */
  readonly loses: boolean;
}

/** A thing as people are shown it, and what it is compared by. */
interface Shown {
  readonly text: string;
  readonly value: string;
  /** It says more than nothing at all would: no ban that is over, no breaker that is closed. */
  readonly counts: boolean;
}

/**
 * What would be another. Values are shown of bans and breakers alone: of anything else they may be secrets.
 * @param nowMs wall clock, to say what has ended
 */
export function differencesOf(
  key: string,
  {
    before,
    after,
    nowMs,
  }: { readonly before: Content | undefined; readonly after: Content | undefined; readonly nowMs: number },
): readonly Difference[] {
  const [old, restored] = [show(key, before, nowMs), show(key, after, nowMs)];
  const subjects = [...new Set([...old.keys(), ...restored.keys()])].sort();
  return subjects.flatMap((subject) => {
    const [was, becomes] = [old.get(subject), restored.get(subject)];
    if (was?.value === becomes?.value) return [];
    const [before, after] = [was?.text, becomes?.text];
    const loses = was?.counts === true;
    return loses || becomes?.counts === true || before !== after ? [{ subject, before, after, loses }] : [];
  });
}

function show(key: string, content: Content | undefined, nowMs: number): ReadonlyMap<string, Shown> {
  if (content === undefined) return new Map();
  if (typeof content === 'string') return new Map([[key, { text: 'there', value: content, counts: true }]]);
  if (key === OVERRIDES_KEY || key === TARGET_DRAINS_KEY || key === SPLITS_KEY) return showOverrides(content, nowMs);
  if (key === BREAKER_KEY) return showBreakers(content, nowMs);
  return new Map([[key, { text: `${content.size} fields`, value: valueOf(content), counts: true }]]);
}

/** In whatever order Redis gives the fields. */
const valueOf = (fields: ReadonlyMap<string, string>): string =>
  Array.from(fields, (field) => JSON.stringify(field))
    .sort()
    .join();

/** One field a client; `#version` is nobody's. */
function showOverrides(fields: ReadonlyMap<string, string>, nowMs: number): ReadonlyMap<string, Shown> {
  const shown = new Map<string, Shown>();
  for (const [client, value] of fields) {
    if (client === '#version') continue;
    const state = /"state":"(\w+)"/.exec(value)?.[1] ?? 'unreadable';
    const untilMs = Number(/"until":(\d+)/.exec(value)?.[1] ?? 0);
    // One that cannot be read may be of a later version.
    shown.set(client, { text: `${state} ${until(untilMs, nowMs)}`, value, counts: !isOver(untilMs, nowMs) });
  }
  return shown;
}

const BREAKER_FIELD =
  /^(.*?)(?::(written|failures|opened_at|open_until|epoch|reason|node|trips|successes|leases|failed_nodes|votes|isolated|forced|forced_at|forced_until|tallies|narrow))?$/s;

/** Many fields an upstream, `<upstream>` and `<upstream>:<what>`. */
function showBreakers(fields: ReadonlyMap<string, string>, nowMs: number): ReadonlyMap<string, Shown> {
  const upstreams = new Map<string, Map<string, string>>();
  for (const [field, value] of fields) {
    const [, upstream = field, what = ''] = BREAKER_FIELD.exec(field) ?? [];
    const known = upstreams.get(upstream) ?? new Map<string, string>();
    upstreams.set(upstream, known.set(what, value));
  }
  return new Map(
    [...upstreams].map(([upstream, what]) => {
      const [state = 'CLOSED', forced = ''] = [what.get(''), what.get('forced')];
      const untilMs = Number(what.get('forced_until'));
      const hold = forced === '' ? '' : `, held ${forced} ${until(untilMs, nowMs)}`;
      const counts = state.toUpperCase() !== 'CLOSED' || (forced !== '' && !isOver(untilMs, nowMs));
      return [upstream, { text: `${state}${hold}`, value: valueOf(what), counts }];
    }),
  );
}

const isTime = (ms: number): boolean => Number.isFinite(ms) && ms > 0 && ms <= 8.64e15;

const isOver = (ms: number, nowMs: number): boolean => isTime(ms) && ms <= nowMs;

function until(ms: number, nowMs: number): string {
  if (!isTime(ms)) return 'until an unknown time';
  const at = `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return isOver(ms, nowMs) ? `until ${at}, which is over` : `until ${at}`;
}
