/** What to do about a problem: a section of the runbook, and the command that says the same. */
export interface Advice {
  /** Empty: no section is about it. */
  readonly section: string;
  readonly command: string;
}

/** The first that fits. Reasons are sentences for people, of this version or, from other nodes, of another. */
const ADVICE: readonly (readonly [pattern: RegExp, advice: Advice])[] = [
  [/^issuer /, { section: 'Issuer Keys', command: 'gateway status' }],
  [/^the certificate for /, { section: 'Certificate Expires', command: 'gateway status' }],
  [/^refused in the last minute: /, { section: 'Requests Shed', command: 'gateway status' }],
  [
    /^rate limits: .*(memory|room|full|clients)/i,
    { section: 'Redis Memory Critical', command: 'gateway redis purge --dry-run' },
  ],
  [/\bRedis\b/, { section: 'Redis Down', command: 'gateway doctor' }],
  [/authorizer/i, { section: 'Authorizer Fails', command: 'gateway breaker list' }],
  [/circuit breaker of/, { section: 'Circuit Breaker Stuck Open', command: 'gateway breaker list' }],
  [/fewer than half|\bprobes\b/, { section: 'Upstream Panic', command: 'gateway targets' }],
  [/cannot be connected to|connections to/, { section: 'High Error Rate', command: 'gateway targets' }],
  [/answers are 5xx/, { section: 'High Error Rate', command: 'gateway top' }],
  [/\bjobs?\b|backup/i, { section: 'Failing Jobs', command: 'gateway jobs list' }],
  [/request threads/, { section: 'Service Down', command: 'gateway status' }],
  [/reload|configuration/i, { section: 'Configuration', command: 'gateway check' }],
  [/node of the name/, { section: '', command: 'gateway nodes' }],
  [/still serving|about to end/, { section: '', command: 'gateway status' }],
];

const OTHERWISE: Advice = { section: 'Service Down', command: 'gateway doctor' };

/** What is to be done about a reason of the verdict. */
export const adviceOn = (reason: string): Advice => ADVICE.find(([pattern]) => pattern.test(reason))?.[1] ?? OTHERWISE;
