import { optional, withDefault } from '../env-variable.ts';
import { secondsText } from '../numbers.ts';
import { onOff } from '../parsers.ts';

/** Variables of where the configuration comes from and how it is followed. */
export const SOURCE_ENV = {
  CONFIG_WATCH: optional(
    onOff,
    'Reload by itself when a file that was read has other contents, certificates and secrets included; default: on when ' +
      'GATEWAY_CONFIG is set.',
  ),
  CONFIG_WATCH_SECONDS: withDefault(
    secondsText({ min: 1, max: 60 }),
    '2',
    'How often CONFIG_WATCH looks at those files; what has changed is read once it has been the same for half a second.',
  ),
} as const;
