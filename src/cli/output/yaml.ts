import { Document, visit } from 'yaml';
import { escaped, needsEscapes } from './text.ts';

/** YAML with nothing in it that could steer a terminal: such texts are quoted and escaped, so what it says is the same. */
export function yamlText(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value === 'string' && needsEscapes(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return escaped(document.toString().trimEnd());
}
