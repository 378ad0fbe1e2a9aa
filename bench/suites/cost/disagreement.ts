/** What one load generator found of one subject: medians of the rounds. */
export interface ByGenerator {
  readonly tool: string;
  readonly subject: string;
  readonly perSecond: number;
  /** CPU of the subject, and of the generator, for each request. */
  readonly subjectUs: number;
  readonly loadUs: number;
  /** Cores the subject kept busy. */
  readonly subjectBusy: number;
}

/** Two figures of CPU that lie closer together than this say the same. */
const SAME = 0.05;
/** A subject less busy than this waited for the generator. */
const SATURATED = 0.9;

/** In words: what the generators say of each subject, and where they disagree, why. */
export function disagreement(all: readonly ByGenerator[]): string[] {
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  return subjects.flatMap((subject) => {
    const [first, second] = all.filter((one) => one.subject === subject);
    return first === undefined || second === undefined ? [] : [compared(first, second)];
  });
}

function compared(first: ByGenerator, second: ByGenerator): string {
  const said = [first, second].map(
    ({ tool, perSecond, subjectUs, loadUs, subjectBusy }) =>
      `by ${tool} ${Math.round(perSecond)} req/s at ${subjectUs.toFixed(1)} µs, itself ${loadUs.toFixed(1)} µs a request, ` +
      `the subject ${Math.round(subjectBusy * 100)} % busy`,
  );
  const reasons = [speedReason(first, second), cpuReason(first, second)].filter((reason) => reason !== undefined);
  const why = reasons.length === 0 ? 'They agree.' : reasons.join(' ');
  return `${first.subject}: ${said.join('; ')}. ${why}`;
}

/** Throughput is that of the slower of the two, generator or subject. */
function speedReason(first: ByGenerator, second: ByGenerator): string | undefined {
  const [slow, fast] = first.perSecond < second.perSecond ? [first, second] : [second, first];
  if (slow.perSecond >= fast.perSecond * (1 - SAME)) return undefined;
  return slow.subjectBusy < SATURATED
    ? `Of throughput ${slow.tool} tells its own: the subject waited for it.`
    : `Of throughput ${slow.tool} tells less although the subject was busy: each request cost it more.`;
}

/** CPU of a request depends on how many of them a subject finds at each turn of its loop. */
function cpuReason(first: ByGenerator, second: ByGenerator): string | undefined {
  const [dear, cheap] = first.subjectUs > second.subjectUs ? [first, second] : [second, first];
  if (cheap.subjectUs >= dear.subjectUs * (1 - SAME)) return undefined;
  return dear.subjectBusy < SATURATED
    ? `Of CPU ${dear.tool} tells more: the subject waits between its requests, finds fewer of them each time it wakes, and ` +
        'pays for more wakings.'
    : `Of CPU ${dear.tool} tells more: its requests come otherwise, in smaller lots or with more header fields.`;
}
