import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { escapeMarkup, Markup, markup } from './markup.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[<>&"'/=a-z ;!-]*$/),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('escapeMarkup', () => {
  test.prop([hostile])('leaves no character that could begin markup or end an attribute', (text) => {
    expect(escapeMarkup(text).replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>"'&]/);
  });

  test.prop([fc.stringMatching(/^[ -~]*$/)])('can be read back', (text) => {
    const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
    expect(escapeMarkup(text).replaceAll(/&([a-z#0-9]+);/g, (_, name: string) => names[name] ?? '?')).toBe(text);
  });

  it('replaces what XML does not allow', () => {
    expect(escapeMarkup('a\u0000b\u001Bc\uD800d\uFFFFe')).toBe('a\uFFFDb\uFFFDc\uFFFDd\uFFFDe');
    expect(escapeMarkup('µ–𝄞\t\n')).toBe('µ–𝄞\t\n');
  });
});

describe('markup', () => {
  it('escapes every value but markup, joins lists and leaves out undefined', () => {
    const inner = [markup`<b>${'<'}</b>`, '<i>', 5, undefined];
    expect(markup`<p class="${'"'}">${inner}</p>`.text).toBe('<p class="&quot;"><b>&lt;</b>&lt;i&gt;5</p>');
  });

  it('is not fooled by an object of the same shape', () => {
    const forged = JSON.parse('{"text":"<script>"}') as Markup;
    expect(() => markup`${forged}`.text).toThrow(TypeError);
  });
});
