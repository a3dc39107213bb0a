export interface PlotPoint {
  readonly events: number;
  /** On the wall clock. */
  readonly microseconds: number;
  /** Of the process's processor time. */
  readonly cpuMicroseconds: number;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 320, 56, 40] as const;

const LINES = [
  { of: 'microseconds', colour: '#06c', name: 'wall clock' },
  { of: 'cpuMicroseconds', colour: '#c60', name: 'processor time' },
] as const;

/** Cost per event over the number of events, which is drawn by its logarithm: a line that stays level is what is hoped
 * for. @returns an SVG */
export function plotCost(points: readonly PlotPoint[], title: string): string {
  const [first, last] = [points[0] as PlotPoint, points.at(-1) as PlotPoint];
  const top = Math.max(...points.flatMap((p) => [p.microseconds, p.cpuMicroseconds])) * 1.25;
  const span = Math.max(1e-9, Math.log10(last.events / first.events));
  const x = (events: number): number => LEFT + ((WIDTH - LEFT - 24) * Math.log10(events / first.events)) / span;
  const y = (microseconds: number): number => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 32) * microseconds) / top;
  const text = (at: { x: number; y: number; anchor: string }, words: string): string =>
    `<text x="${at.x.toFixed(1)}" y="${at.y.toFixed(1)}" text-anchor="${at.anchor}">${words}</text>`;
  const levels = [0, 0.25, 0.5, 0.75, 1].map((part) => top * part);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text({ x: LEFT, y: 18, anchor: 'start' }, title),
    ...levels.map(
      (level) =>
        `<path d="M${LEFT} ${y(level).toFixed(1)}H${WIDTH - 24}" stroke="#ddd"/>${text({ x: LEFT - 6, y: y(level) + 4, anchor: 'end' }, `${level.toFixed(1)} µs`)}`,
    ),
    ...points.map((p) =>
      text(
        { x: x(p.events), y: HEIGHT - BOTTOM + 18, anchor: 'middle' },
        p.events >= 1e6 ? `${p.events / 1e6} M` : `${Math.round(p.events / 1000)} k`,
      ),
    ),
    ...LINES.flatMap(({ of, colour, name }, n) => [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((p) => `${x(p.events).toFixed(1)},${y(p[of]).toFixed(1)}`).join(' ')}"/>`,
      ...points.map(
        (p) => `<circle cx="${x(p.events).toFixed(1)}" cy="${y(p[of]).toFixed(1)}" r="3" fill="${colour}"/>`,
      ),
      `<text x="${WIDTH - 24}" y="${18 + n * 14}" text-anchor="end" fill="${colour}">${name}</text>`,
    ]),
    '</svg>\n',
  ].join('\n');
}
