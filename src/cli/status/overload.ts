import type { OverloadAnswer } from '../../shared/admin/overload.ts';
import { shedReasons } from '../../shared/admin/shed-reasons.ts';
import { count } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import { span } from '../output/text.ts';
import type { Line } from '../output/text.ts';

/** What was refused in the last minute because more came than could be served. */
export function shedWords({ shed }: OverloadAnswer): Cell {
  const reasons = shedReasons(shed);
  if (reasons.length === 0) return 'nothing refused in the last minute';
  return span(`refused in the last minute: ${reasons.join('; ')}`, 'warn');
}

/** Upstreams with a limit of requests under way, if there are any. */
export const overloadLines = ({ upstreams }: OverloadAnswer): readonly Line[] =>
  upstreams.length === 0
    ? []
    : [
        [],
        ...table(
          [
            { title: 'LIMITED UPSTREAM' },
            { title: 'IN FLIGHT', right: true },
            { title: 'AT MOST', right: true },
            { title: 'WAITING', right: true },
          ],
          upstreams.map(({ upstream, max, inFlight, waiting }) => [
            upstream,
            inFlight < max ? count(inFlight) : span(count(inFlight), 'warn'),
            count(max),
            waiting === 0 ? count(waiting) : span(count(waiting), 'warn'),
          ]),
        ),
      ];
