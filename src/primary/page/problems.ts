import type { PageProblem } from '../../shared/admin/page.ts';
import { shedReasons } from '../../shared/admin/shed-reasons.ts';
import type { NodesAnswer, StatusAnswer } from '../../shared/admin/status.ts';
import { adviceOn } from './advice.ts';

/** What is wrong, before it is known since when. */
export interface Finding {
  readonly text: string;
  readonly severity: PageProblem['severity'];
}

/** Of the last minute, in requests. */
export interface RecentTraffic {
  readonly requests: number;
  readonly errors5xx: number;
}

/** As the alert UpstreamHighErrorRate has it. */
const BAD_SHARE = 0.05;
/** Of fewer requests a share says little. */
const LEAST_REQUESTS = 20;

/** As the alerts CertificateExpires and CertificateExpiresSoon have it. */
const ENDS_SECONDS = 14 * 86_400;
const ENDS_SOON_SECONDS = 2 * 86_400;
/** As the alert RequestsShed has it: one in ten seconds. */
const LEAST_SHED = 6;
const SHED = 'refused in the last minute: ';
/** Not all is well, and the gateway does what it is told to do about it. */
const severityOf = (text: string, otherwise: Finding['severity']): Finding['severity'] =>
  text.startsWith(SHED) ? 'warn' : otherwise;

/** What is wrong on this node: the reasons of its verdict, and what an operator would want to know beside them. */
export function findings(status: StatusAnswer, recent: RecentTraffic): readonly Finding[] {
  const severity = status.verdict === 'draining' ? 'warn' : 'bad';
  const reasons = status.reasons.map((text) => ({ text, severity }) as const);
  const unreachable = status.unreachable
    .filter(({ target }) => !status.reasons.some((text) => text.includes(target)))
    .map(({ upstream, target, reason }) => ({
      text: `connections to ${target} of upstream ${upstream} fail: ${reason}`,
      severity: 'bad' as const,
    }));
  const share = recent.requests >= LEAST_REQUESTS ? recent.errors5xx / recent.requests : 0;
  const errors =
    share > BAD_SHARE
      ? [{ text: `${Math.round(share * 100)} % of the last minute's answers are 5xx`, severity: 'bad' as const }]
      : [];
  const full = status.overload.upstreams.filter(({ max, inFlight }) => inFlight >= max).map(({ upstream }) => upstream);
  const where = full.length === 0 ? '' : ` (as many as may be are under way at ${full.join(', ')})`;
  const shed = shedReasons(status.overload.shed, LEAST_SHED).map((text) => ({
    text: `${SHED}${text}${where}`,
    severity: 'warn' as const,
  }));
  const certificates = status.certificates
    .filter(({ leftSeconds }) => leftSeconds < ENDS_SECONDS)
    .map(({ name, endsAt, leftSeconds }) => ({
      text: `the certificate for ${name === '' ? 'clients' : name} ${leftSeconds < 0 ? 'ended' : 'ends'} on ${endsAt.slice(0, 10)}`,
      severity: leftSeconds < ENDS_SOON_SECONDS ? ('bad' as const) : ('warn' as const),
    }));
  return [...reasons, ...unreachable, ...errors, ...shed, ...certificates];
}

/** What the other nodes say of themselves, and what they do not have in common with this one. */
export function otherNodes({ nodes }: NodesAnswer): readonly (Finding & { readonly node: string })[] {
  const own = nodes.find(({ self }) => self);
  const digest = own?.jobsOnly === true ? undefined : own?.vitals?.configDigest;
  return nodes
    .filter(({ self }) => !self)
    .flatMap(({ name, vitals, jobsOnly }) => {
      if (vitals === undefined) return [];
      const severity = vitals.verdict === 'draining' ? ('warn' as const) : ('bad' as const);
      const said = vitals.reasons.map((text) => ({ text, severity: severityOf(text, severity), node: name }));
      const differs = !jobsOnly && digest !== undefined && vitals.configDigest !== digest;
      const text = 'it has another configuration (routes, upstreams or limits) than this node';
      return differs ? [...said, { text, severity: 'warn' as const, node: name }] : said;
    });
}

/** What stays of a reason while its numbers, its cause in brackets and the phase of a breaker change. */
const keyOf = (text: string): string =>
  text
    .replace(/ is (OPEN|HALF_OPEN)\b/, ' is not closed')
    .replace(/ \([^)]*\)$/, '')
    .replaceAll(/\d+(\.\d+)?/g, '#');

/** Whether both say the same of the same thing, if perhaps with other numbers. */
export const isSame = (one: Finding, other: Finding): boolean => keyOf(one.text) === keyOf(other.text);

/** Since when each problem has been there. Numbers in its text may change meanwhile. */
export class ProblemClock {
  readonly #since = new Map<string, number>();
  #okSinceMs: number;

  /** @param nowMs time of day, as everywhere here */
  constructor(nowMs: number) {
    this.#okSinceMs = nowMs;
  }

  /** `undefined`: there is a problem now. */
  get okSinceMs(): number | undefined {
    return this.#since.size === 0 ? this.#okSinceMs : undefined;
  }

  /** Takes all that is wrong now. @returns since when each is, in the same order */
  look(found: readonly Finding[], nowMs: number): readonly number[] {
    const keys = found.map(({ text }) => keyOf(text));
    const now = new Set(keys);
    const had = this.#since.size > 0;
    for (const key of this.#since.keys()) if (!now.has(key)) this.#since.delete(key);
    for (const key of keys) if (!this.#since.has(key)) this.#since.set(key, nowMs);
    if (had && this.#since.size === 0) this.#okSinceMs = nowMs;
    return keys.map((key) => this.#since.get(key) ?? nowMs);
  }
}

/** As the page shows it. @param sinceMs `undefined`: another node says it */
export const shownProblem = ({ text, severity }: Finding, node: string, sinceMs: number | undefined): PageProblem => ({
  text,
  severity,
  node,
  since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
  ...adviceOn(text),
});
