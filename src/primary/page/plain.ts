import type { PageAnswer } from '../../shared/admin/page.ts';
import { shedReasons } from '../../shared/admin/shed-reasons.ts';
import { printable } from '../../shared/printable.ts';
import { operation } from '../admin/contract/operation.ts';
import type { AnyOperation } from '../admin/contract/operation.ts';
import { PAGE_HEADERS } from './files.ts';
import type { PageSource } from './page-operations.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text from anywhere as HTML: no markup, nothing that steers. */
const text = (value: string | number): string =>
  `<bdi>${printable(String(value)).replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? char)}</bdi>`;

type Cell = string | number | null | undefined;

function table(title: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map((column) => `<th scope="col">${text(column)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${text(cell ?? '–')}</td>`).join('')}</tr>`).join('\n');
  const empty = `<tr><td colspan="${columns.length}">nothing</td></tr>`;
  return `<h2>${text(title)}</h2>\n<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${head}</tr></thead><tbody>\n${rows.length === 0 ? empty : body}\n</tbody></table></div>`;
}

const digits = (value: number | null | undefined, places = 1): Cell => value?.toFixed(places);
const ms = (seconds: number | null | undefined): Cell =>
  seconds === null || seconds === undefined ? null : `${(seconds * 1000).toFixed(1)} ms`;
const mib = (bytes: number | null | undefined): Cell =>
  bytes === null || bytes === undefined ? null : `${(bytes / 1_048_576).toFixed(0)} MiB`;

function body(answer: PageAnswer, refreshes: boolean): string {
  const { problems, nodes, breakers, targets, refused, overrides, redis, status, jobs, backups } = answer;
  const verdict =
    problems.length === 0 ? `All well since ${answer.okSince ?? answer.at}` : `${problems.length} problems`;
  // Not by itself unless it is asked for: what somebody reads, or has read to them, is not taken away.
  const again = refreshes
    ? 'asks again every 10 seconds, <a href="?">no longer</a>'
    : '<a href="?">ask again</a>, or <a href="?refresh">every 10 seconds</a>';
  return [
    `<h1>${text(answer.node)}: ${text(verdict)}</h1>`,
    `<p>As of ${text(answer.at)}; ${again}. <a href="/admin/ui/">With charts</a>.</p>`,
    table(
      'Problems',
      ['problem', 'node', 'since', 'runbook', 'command'],
      problems.map(({ text: what, node, since, section, command }) => [what, node, since, section, command]),
    ),
    table(
      'Nodes',
      ['node', 'state', 'req/s', '5xx/s', '429/s', 'p50', 'p95', 'p99', 'in flight', 'heap', 'version'],
      nodes.nodes.map(({ name, vitals, version }) => [
        name,
        vitals?.verdict,
        digits(vitals?.requests),
        digits(vitals?.errors5xx),
        digits(vitals?.refused429),
        ms(vitals?.p50),
        ms(vitals?.p95),
        ms(vitals?.p99),
        vitals?.inFlight,
        mib(vitals?.heapBytes),
        version,
      ]),
    ),
    table(
      'Upstreams',
      ['upstream', 'breaker', 'why', 'next probe', 'held', 'refused'],
      breakers.breakers.map(({ upstream, state, mode, reason, openForSeconds, forced, refused: count }) => [
        upstream,
        mode === 'off' ? 'off' : state,
        reason,
        openForSeconds > 0 ? `${openForSeconds} s` : null,
        forced === null ? null : `${forced.state} for ${forced.remainingSeconds} s`,
        count,
      ]),
    ),
    table(
      'Targets',
      ['target', 'upstream', 'state', 'used', 'why'],
      targets.targets.map(({ target, upstream, state, used, why }) => [
        target,
        upstream,
        state,
        used ? 'yes' : 'no',
        why,
      ]),
    ),
    table(
      'Refused by this node in the last minute',
      ['why'],
      shedReasons(status.overload.shed).map((reason) => [reason]),
    ),
    table(
      'Limits of upstreams, on this node',
      ['upstream', 'in flight', 'at most', 'waiting'],
      status.overload.upstreams.map(({ upstream, inFlight, max, waiting }) => [upstream, inFlight, max, waiting]),
    ),
    table(
      'Most refused clients',
      ['client', 'refused'],
      (refused?.clients ?? []).map(({ client, refused: count }) => [client, count]),
    ),
    table(
      'Banned or exempt',
      ['client', 'state', 'left', 'by'],
      overrides.overrides.map(({ client, state, remainingSeconds, by }) => [
        client,
        state,
        `${remainingSeconds} s`,
        by,
      ]),
    ),
    table(
      'Redis',
      ['server', 'answers', 'memory', 'of', 'time'],
      redis.servers.map(({ node, up, usedBytes, maxBytes, answerMs }) => [
        node === '' ? 'the only one' : node,
        up ? 'yes' : 'no',
        mib(usedBytes),
        mib(maxBytes),
        answerMs === null ? null : `${answerMs} ms`,
      ]),
    ),
    table(
      'Threads of this node',
      ['thread', 'state', 'in flight', 'connections', 'loop', 'refuses'],
      status.threads.map(({ slot, state, inFlight, openConnections, loopUtilisation, shedPercent }) => [
        slot,
        state,
        inFlight,
        openConnections,
        `${(loopUtilisation * 100).toFixed(1)} %`,
        `${shedPercent} %`,
      ]),
    ),
    table(
      'Jobs',
      ['job', 'last run', 'last success', 'next'],
      jobs.jobs.map(({ name, last, lastSuccessAt, nextAt }) => [
        name,
        last === null ? null : `${last.state}: ${last.text}`,
        lastSuccessAt,
        nextAt,
      ]),
    ),
    table(
      'Backups',
      ['kind', 'made', 'verified', 'size'],
      backups.map(({ kind, madeAt, verifiedAt, bytes }) => [kind, madeAt, verifiedAt, mib(bytes)]),
    ),
  ].join('\n');
}

const document = (answer: PageAnswer, refreshes: boolean): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshes ? '<meta http-equiv="refresh" content="10">' : ''}
<meta name="color-scheme" content="light dark">
<title>${text(`${answer.problems.length === 0 ? 'All well' : 'Something is wrong'} · ${answer.node}`).replaceAll(/<\/?bdi>/g, '')}</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page.css">
</head>
<body class="document plain">
<main>
${body(answer, refreshes)}
</main>
</body>
</html>
`;

/** The page as tables, for browsers without JavaScript, for terminals, and for screen readers that want no more. */
export const plainOperation = (source: PageSource): AnyOperation =>
  operation({
    method: 'GET',
    path: '/admin/ui/plain',
    id: 'pagePlain',
    summary: "The operator's page as tables that need no JavaScript; what is in it is read as GET /admin/page is.",
    produces: 'text/html; charset=utf-8',
    parameters: { refresh: { in: 'query', description: 'Anything: it asks again every ten seconds.' } },
    handle: async ({ headers, query }) => ({
      status: 200,
      type: 'text/html; charset=utf-8',
      body: document(await source.answer({ minutes: 15 }, { headers }), query.has('refresh')),
      headers: PAGE_HEADERS,
    }),
  });
