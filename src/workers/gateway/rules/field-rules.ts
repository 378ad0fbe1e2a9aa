import type { FieldRulesConfig, NameValue } from '../../../shared/config/rules/types.ts';
import { FieldFilter } from './field-filter.ts';
import { compileTemplate, filledIn } from './template.ts';
import type { Template, VariableSource } from './template.ts';

/** Fields to be added. Those whose values never change are one text, made when the configuration is read. */
export class FieldLines {
  readonly #constant: string;
  readonly #varying: readonly { readonly name: string; readonly value: Template }[];

  constructor(fields: readonly NameValue[]) {
    let constant = '';
    const varying = [];
    for (const { name, value } of fields) {
      const template = compileTemplate(value);
      if (template.length === 1) constant += `${name}: ${template[0] as string}\r\n`;
      else varying.push({ name, value: template });
    }
    this.#constant = constant;
    this.#varying = varying;
  }

  /** Lines, each with its CRLF. A field with a variable that has no value is left out. */
  of(source: VariableSource): string {
    let lines = this.#constant;
    for (const { name, value } of this.#varying) {
      const text = filledIn(value, source);
      if (text !== undefined) lines += `${name}: ${text}\r\n`;
    }
    return lines;
  }
}

/** What becomes of fields that pass. */
export class FieldRules {
  readonly filter: FieldFilter;
  readonly lines: FieldLines;

  constructor({ set, add, remove }: FieldRulesConfig) {
    this.filter = new FieldFilter([...set.map(({ name }) => name), ...remove]);
    this.lines = new FieldLines([...set, ...add]);
  }
}
