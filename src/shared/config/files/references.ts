import { resolveBeside, tryReadFile } from '../text-file.ts';
import type { ReadFile } from '../text-file.ts';

/** What `${…}` in a text of the YAML is taken from. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
  /** The YAML file: a relative path in it is beside it. */
  readonly file: string;
  /** The text is read once more, by rules with variables of their own: `$${`, and what is neither file nor variable, stays. */
  readonly isReadAgain?: boolean;
}

/** A reference that stands for nothing. */
export interface BrokenReference {
  /** As written. */
  readonly text: string;
  readonly reason: string;
  readonly hint: string;
}

export interface Expanded {
  readonly text: string;
  /** What came from a file, or from a variable that is called as secrets are. */
  readonly secrets: readonly string[];
  /** Files it came from. */
  readonly files: readonly string[];
  readonly broken: readonly BrokenReference[];
}

/** Of each request, for the rules of header fields; no environment has such names. */
const OF_REQUESTS: ReadonlySet<string> = new Set(['consumer', 'request_id', 'client_ip']);
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_]\w*)(?::-(.*))?$/s;
const SECRET_NAME = /PASS|PWD|SECRET|TOKEN|CREDENTIAL|KEY/i;
const FROM_FILE = 'file:';

type Found =
  | { readonly text: string; readonly secret: boolean; readonly file?: string }
  | Omit<BrokenReference, 'text'>;

function contentOf(path: string, { file, readFile }: ReferenceSources): Found {
  const beside = resolveBeside(file, path);
  const read = tryReadFile(readFile, beside);
  if (!read.ok) return { reason: 'its file cannot be read', hint: read.why };
  const text = read.text.trim();
  // An empty secret would silently be no secret at all.
  if (text === '') return { reason: 'its file is empty', hint: 'the text of the file takes its place' };
  return { text, secret: true, file: beside };
}

function find(inner: string, sources: ReferenceSources): Found {
  if (inner.startsWith(FROM_FILE)) return contentOf(inner.slice(FROM_FILE.length), sources);
  const [, name, fallback] = VARIABLE.exec(inner) ?? [];
  if (name === undefined) {
    return { reason: 'it is no ${VARIABLE}, ${VARIABLE:-default} or ${file:/path}', hint: '$${ is the text ${' };
  }
  // An empty variable is an unset one, as everywhere.
  const value = sources.env[name];
  if (value !== undefined && value !== '') return { text: value, secret: SECRET_NAME.test(name) };
  if (fallback !== undefined) return { text: fallback, secret: false };
  return { reason: 'the variable is not set', hint: `\${${name}:-…} has a default` };
}

/** Puts in place what a text refers to. What comes in is not looked through again. */
export function expand(source: string, sources: ReferenceSources): Expanded {
  const secrets: string[] = [];
  const files: string[] = [];
  const broken: BrokenReference[] = [];
  const text = source.replaceAll(REFERENCE, (whole: string, inner: string | undefined, end: string) => {
    if (inner === undefined) return sources.isReadAgain === true ? whole : '${';
    const isOfRules = sources.isReadAgain === true && !inner.startsWith(FROM_FILE);
    if (end === '') {
      if (isOfRules) return whole;
      broken.push({ text: whole, reason: 'it has no }', hint: '$${ is the text ${' });
      return whole;
    }
    if (OF_REQUESTS.has(inner)) return whole;
    const found = find(inner, sources);
    if ('reason' in found) {
      if (isOfRules) return whole;
      broken.push({ text: whole, ...found });
      return whole;
    }
    if (found.secret) secrets.push(found.text);
    if (found.file !== undefined) files.push(found.file);
    return found.text;
  });
  return { text, secrets, files, broken };
}
