import { optional, secret, withDefault } from '../env-variable.ts';
import { secondsText } from '../numbers.ts';
import { fromText, listOf } from '../parsed.ts';
import { onOff, oneOf } from '../parsers.ts';
import { CONFIG_STORES } from '../words.ts';

const signingKeys = fromText(
  listOf<string>((text) =>
    /^[!-~]{16,512}$/.test(text)
      ? { ok: true, value: text }
      : { ok: false, expected: 'keys of 16 to 512 visible ASCII characters without spaces, with commas between' },
  ),
);

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
  CONFIG_STORE: withDefault(
    oneOf(CONFIG_STORES),
    'files',
    'Where the YAML comes from: files, those of GATEWAY_CONFIG; local or redis, versions that `gateway config push` makes, ' +
      'for this node in STATE_DIR or for all nodes in Redis. GATEWAY_CONFIG holds until there is a first version.',
  ),
  CONFIG_SIGNING_KEY: secret(
    signingKeys,
    'Secret that versions of the configuration are signed with; needed with CONFIG_STORE=redis, the same on all nodes. ' +
      'Several with commas between are all believed, the first signs.',
  ),
} as const;
