import { fromText } from '../parsed.ts';

/** A bucket of S3 and where in it, addressed by path (`https://host/bucket/key`), which every server understands. */
export interface S3Url {
  /** Canonical, such as `https://s3.example.com`. */
  readonly origin: string;
  readonly bucket: string;
  /** In front of every name: `''`, or ends in `/`. */
  readonly prefix: string;
}

const EXPECTED = 'https://host/bucket/prefix, without user, query and fragment';
/** What needs no encoding in a path, so that what is signed is what is sent. */
const PREFIX = /^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/;

/** Reads BACKUP_S3_URL. */
export const s3Url = fromText<S3Url>((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.username === '' && url.password === '' && !/[?#\\]/.test(text);
  if (url === undefined || !plain || !/^https?:$/.test(url.protocol)) return { ok: false, expected: EXPECTED };
  const [bucket = '', ...rest] = url.pathname.split('/').slice(1);
  const prefix = rest.filter((part) => part !== '').join('/');
  if (!BUCKET.test(bucket) || (prefix !== '' && !PREFIX.test(prefix))) return { ok: false, expected: EXPECTED };
  return { ok: true, value: { origin: url.origin, bucket, prefix: prefix === '' ? '' : `${prefix}/` } };
});

/** For people. */
export const showS3Url = ({ origin, bucket, prefix }: S3Url): string => `${origin}/${bucket}/${prefix}`;
