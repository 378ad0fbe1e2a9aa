import { optional, secret, withDefault } from '../env-variable.ts';
import { BOUNDS, shareOfOneText, wholeNumberText } from '../numbers.ts';
import { absoluteFolder, absolutePathList, redisWord, token } from '../parsers.ts';
import { ageIdentity, ageRecipient } from './age-key.ts';
import { cron, DEFAULT_FULL_SCHEDULE, DEFAULT_SCHEDULE } from './cron.ts';
import { s3Url } from './s3-url.ts';

/** Variables of backups. */
export const BACKUPS_ENV = {
  BACKUP_DIR: optional(absoluteFolder, 'Folder for backups of Redis; neither it nor BACKUP_S3_URL: none are made.'),
  BACKUP_S3_URL: optional(s3Url, 'https://host/bucket/prefix of an S3 server for backups, instead of BACKUP_DIR.'),
  BACKUP_S3_REGION: withDefault(redisWord, 'us-east-1', 'Region that requests to it are signed for.'),
  BACKUP_S3_ACCESS_KEY_ID: secret(token, 'Who asks the S3 server.'),
  BACKUP_S3_SECRET_ACCESS_KEY: secret(token, 'Key that requests to it are signed with.'),
  BACKUP_SCHEDULE: withDefault(cron, DEFAULT_SCHEDULE, 'When Redis is backed up: cron, in UTC.'),
  BACKUP_FULL_SCHEDULE: withDefault(
    cron,
    DEFAULT_FULL_SCHEDULE,
    'When Redis and BACKUP_FILES are backed up together: cron, in UTC.',
  ),
  BACKUP_FILES: optional(
    absolutePathList,
    'Absolute paths of files and folders for the full backup, comma-separated; one that is missing fails it. Without ' +
      'BACKUP_ENCRYPTION_RECIPIENT those that hold secrets are left out.',
  ),
  BACKUP_ENCRYPTION_RECIPIENT: optional(
    ageRecipient,
    'Public key of age (age1…) that backups are encrypted for; unset: they are stored in the clear.',
  ),
  BACKUP_ENCRYPTION_IDENTITY: secret(
    ageIdentity,
    'Its secret key, for verify and restore. Making backups does not need it: keep it off machines that only make them.',
  ),
  BACKUP_KEEP_DAILY: withDefault(wholeNumberText(BOUNDS.backups), '7', 'Backups of Redis that are kept.'),
  BACKUP_KEEP_WEEKLY: withDefault(wholeNumberText(BOUNDS.backups), '5', 'Full backups that are kept.'),
  BACKUP_KEEP_DAYS: withDefault(
    wholeNumberText(BOUNDS.days),
    '0',
    'Backups older than so many days go, however few there are, but for the newest and the newest verified one of a ' +
      'kind; 0 = none goes for its age.',
  ),
  BACKUP_CPU_SHARE: withDefault(
    shareOfOneText,
    '0.25',
    'Share of one core that a backup may take: for compression, encryption and hashes, and each program that proves it.',
  ),
  BACKUP_TEMP_DIR: optional(
    absoluteFolder,
    'Folder for the snapshot in the clear while a backup is made and checked: three times its size. Default: that of ' +
      'the system.',
  ),
} as const;
