/** What an answer of an S3 server, or its silence, means for whoever asked. */

/** A request to the S3 server has failed; the message is for people and holds no secret. */
export class S3Failure extends Error {
  /** 0 = there was no answer. */
  readonly status: number;
  /** Of the answer, such as `AccessDenied`; '' where it says none. */
  readonly code: string;
  /** The same request may go well in a moment. */
  readonly passing: boolean;
  /** It may have been carried out all the same. */
  readonly unclear: boolean;

  constructor(message: string, what: S3FailureKind & { readonly cause?: unknown }) {
    super(message, what.cause === undefined ? undefined : { cause: what.cause });
    this.name = 'S3Failure';
    this.status = what.status;
    this.code = what.code;
    this.passing = what.passing;
    this.unclear = what.unclear;
  }
}

export interface S3FailureKind {
  readonly status: number;
  readonly code: string;
  readonly passing: boolean;
  readonly unclear: boolean;
}

const KEYS = 'check BACKUP_S3_ACCESS_KEY_ID and BACKUP_S3_SECRET_ACCESS_KEY';
const REGION = 'check BACKUP_S3_REGION and the host in BACKUP_S3_URL';
const ROOM = 'make room there, or keep fewer backups (BACKUP_KEEP_DAILY, BACKUP_KEEP_WEEKLY, BACKUP_KEEP_DAYS)';

/** What to do about an error code of S3 (Amazon S3 API Reference, "Error responses"); servers of others use the same. */
const ADVICE: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: KEYS,
  SignatureDoesNotMatch: KEYS,
  InvalidToken: KEYS,
  ExpiredToken: KEYS,
  AccessDenied: 'the key needs leave to list the bucket, and to get, put and delete objects in it',
  AllAccessDisabled: 'the key needs leave to list the bucket, and to get, put and delete objects in it',
  NoSuchBucket: 'make the bucket, or check BACKUP_S3_URL',
  InvalidBucketName: 'check BACKUP_S3_URL',
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  RequestTimeTooSkewed: 'set the clock of this machine (chrony, ntpd)',
  QuotaExceeded: ROOM,
  InsufficientStorage: ROOM,
  XMinioStorageFull: ROOM,
  EntityTooLarge: 'the server takes no object of this size',
  InvalidObjectState: 'it is archived there: fetch it back first',
};

const ADVICE_BY_STATUS: Readonly<Record<number, string>> = {
  301: REGION,
  307: REGION,
  401: KEYS,
  403: `${KEYS}, what they may do, and the clock of this machine`,
  404: 'check BACKUP_S3_URL',
  507: ROOM,
};

/** Codes and statuses after which the same request is worth sending again; also where S3 says it with a 400. */
const PASSING_CODES = new Set([
  'RequestTimeout',
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'OperationAborted',
]);
const PASSING_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

export interface S3Answer {
  readonly status: number;
  readonly code: string;
  /** What the server says besides, on one line. */
  readonly said: string;
}

/** @param what was asked, such as `PUT of NAME to URL` */
export function refusedBy({ status, code, said }: S3Answer, what: string): S3Failure {
  const advice = ADVICE[code] ?? ADVICE_BY_STATUS[status];
  const words = [String(status), code, said === '' ? '' : `"${said}"`].filter((word) => word !== '').join(' ');
  return new S3Failure(`${what} failed: the S3 server answered ${words}${advice === undefined ? '' : `; ${advice}`}`, {
    status,
    code,
    passing: PASSING_CODES.has(code) || PASSING_STATUSES.has(status),
    unclear: status >= 500 || status === 200, // a 200 whose body is an error
  });
}

/** What of Node's errors is worth another try: the server, or the way to it, may be back. */
const PASSING_ERRORS = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EAI_AGAIN EHOSTUNREACH ENETUNREACH ENETDOWN'.split(' '),
);

/** @param sent something of the request may have arrived */
export function noAnswerTo(what: string, error: unknown, sent: boolean): S3Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [first] = error instanceof AggregateError ? error.errors : [error];
  const said = first instanceof Error ? first.message : String(first);
  const reason = said === 'aborted' ? 'the answer broke off' : said; // Node's word for it
  return new S3Failure(`${what} failed: ${reason}; is the S3 server up, and BACKUP_S3_URL right?`, {
    status: 0,
    code: '',
    passing: PASSING_ERRORS.has(code),
    unclear: sent,
    cause: error,
  });
}
