import { expect, it } from 'vitest';
import { idleFigure } from './idle-figure.ts';

const round = (grownBytes: number, movedBytes = 0): Parameters<typeof idleFigure>[0][number] => ({
  grownBytes,
  movedBytes,
});

it('is bytes for each socket, a sample a round', () => {
  const figure = idleFigure([round(400_000), round(420_000, -30_000), round(390_000)], 100);
  expect(figure).toEqual({ samples: [4000, 4200, 3900], noise: 300, refused: undefined });
});

it('is refused where the process moves as much by itself, or from round to round', () => {
  expect(idleFigure([round(10_000), round(10_000, -12_000)], 100).refused).toBe(
    '100 B for each is within the noise of 120 B',
  );
  expect(idleFigure([round(-5_000), round(10_000)], 100).refused).toContain('noise of 150 B');
  expect(idleFigure([], 100).refused).toBe('no round');
});

it('is refused after a single round, which has no noise from round to round', () => {
  expect(idleFigure([round(400_000)], 100)).toMatchObject({
    samples: [4000],
    refused: 'a single round does not say what a figure moves by from round to round',
  });
});
