import { fieldText } from '../identity/callers.ts';

/** What a request's variables stand for. */
export interface VariableSource {
  readonly requestId: string;
  /** Of the client; '' when it is gone. */
  readonly address: string;
  /** `undefined` = nobody has proved who he is. */
  readonly caller: { readonly consumer: string } | undefined;
}

type Read = (source: VariableSource) => string;

const READERS: Readonly<Record<string, Read>> = {
  consumer: ({ caller }) => (caller === undefined ? '' : fieldText(caller.consumer)),
  request_id: ({ requestId }) => requestId,
  client_ip: ({ address }) => address,
};

/** Texts and what stands between them, in turn. */
export type Template = readonly (string | Read)[];

/** `$${` stands for `${` (first, as it has the other in it). */
const PART = /\$\$\{|\$\{(\w+)\}/g;

/** @param text with variables that exist: the configuration has been checked */
export function compileTemplate(text: string): Template {
  const parts: (string | Read)[] = [];
  let plain = '';
  let from = 0;
  for (const found of text.matchAll(PART)) {
    plain += text.slice(from, found.index);
    from = found.index + found[0].length;
    const read = found[1] === undefined ? undefined : READERS[found[1]];
    if (read === undefined) plain += '${';
    else {
      parts.push(plain, read);
      plain = '';
    }
  }
  return [...parts, plain + text.slice(from)];
}

/** @returns `undefined` where one of the variables has no value */
export function filledIn(template: Template, source: VariableSource): string | undefined {
  let text = '';
  for (const part of template) {
    const value = typeof part === 'string' ? part : part(source);
    if (value === '' && typeof part !== 'string') return undefined;
    text += value;
  }
  return text;
}
