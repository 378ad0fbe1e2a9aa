import { describe, expect, test } from 'vitest';
import { span } from '../output/text.ts';
import { frame, Screen } from './screen.ts';

const line = (text: string) => [span(text)];

function recording(columns: number, rows: number) {
  const written: string[] = [];
  return { terminal: { columns, rows, colours: false, write: (text: string) => written.push(text) }, written };
}

describe('a frame', () => {
  test('fits the window, draws over what was there and never clears the screen first', () => {
    const text = frame([line('abcdef'), line('second'), line('third')], { ...recording(4, 2).terminal });
    expect(text).toBe('\u001b[?2026h\u001b[Habc…\r\nsec…\u001b[?2026l');
    const roomy = frame([line('ab')], { ...recording(4, 2).terminal });
    expect(roomy).toBe('\u001b[?2026h\u001b[Hab\u001b[K\r\n\u001b[J\u001b[?2026l');
    expect(text).not.toContain('\u001b[2J');
  });
});

describe('the screen', () => {
  test('is left once, as it was, and not drawn on afterwards', () => {
    const { terminal, written } = recording(80, 24);
    const screen = new Screen(terminal);
    screen.enter();
    screen.draw([line('x')]);
    screen.leave();
    screen.leave();
    screen.redraw();
    expect(written).toHaveLength(3);
    expect(written[0]).toBe('\u001b[?1049h\u001b[?25l');
    expect(written[2]).toBe('\u001b[?25h\u001b[?1049l');
  });

  test('is drawn again in the new size of the window', () => {
    const { terminal, written } = recording(80, 24);
    const screen = new Screen(terminal);
    screen.enter();
    screen.draw([line('abcdef')]);
    terminal.columns = 3;
    screen.redraw();
    expect(written[1]).toContain('abcdef');
    expect(written[2]).toContain('ab…');
  });
});
