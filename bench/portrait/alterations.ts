import sharp, { type Sharp } from 'sharp';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A photograph of one person, and where 68 points of the face lie in it (iBUG's numbers: 0..16 jaw, 17..26 brows,
 * 36..47 eyes, 48..67 mouth). */
export interface Portrait {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly landmarks: readonly Point[];
}

/** Gives 0..1, the same row for the same seed. */
export type Random = () => number;

/** Source: Tommy Ettinger's mulberry32, public domain. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type Alteration = (portrait: Portrait, random: Random) => Promise<Buffer>;

/** What is done to photographs to see which of them are still taken for portraits. Colours, shapes and strength differ
 * from one picture to the next, so that no mark fits one drawing. Drawn over real photographs these are not what a
 * camera sees: they show that a kind is looked for, and figures about them are no promise about people. */
export const ALTERATIONS: Readonly<Record<string, Alteration>> = {
  none: async ({ bytes }) => encoded(sharp(bytes)),
  'opaque sunglasses': drawn(sunglasses),
  'surgical mask': drawn(mask),
  scarf: drawn(scarf),
  'hand on the mouth': async (portrait, random) => overdrawn(portrait, hand(portrait, random, await skinOf(portrait))),
  'hat to the brows': drawn(hat),
  'half the face outside': cut((at, random) => ({ left: at(27).x + (random() - 0.5) * 0.3 * eyeDistance(at) })),
  'eye at the edge': cut((at, random) => ({ left: at(36).x - (0.02 + 0.25 * random()) * eyeDistance(at) })),
  'chin cut off': cut((at, random) => ({ bottom: at(57).y + (0.1 + 0.75 * random()) * (at(8).y - at(57).y) })),
  'thick black glasses': drawn(glasses),
  'near black': async ({ bytes }, random) => encoded(sharp(bytes).linear(0.06 + 0.06 * random())),
  'burnt out': async ({ bytes }, random) => encoded(sharp(bytes).linear(3 + 2 * random(), 60 + 40 * random())),
  'half in shadow': drawn(shadow),
  'printed border': printed,
  'darkened, gamma 2.2': async (portrait) => darkened(portrait, 2.2),
  'turned by 15 degrees': turned(15),
  'turned by 45 degrees': turned(45),
  'turned by 90 degrees': turned(90),
};

export type At = (landmark: number) => Point;

export function encoded(picture: Sharp): Promise<Buffer> {
  return picture.jpeg({ quality: 92 }).toBuffer();
}

function atOf({ landmarks }: Portrait): At {
  return (i) => landmarks[i]!;
}

export function between(a: Point, b: Point, share = 0.5): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

export function eyeDistance(at: At): number {
  const [l, r] = [between(at(36), at(39)), between(at(42), at(45))];
  return Math.hypot(r.x - l.x, r.y - l.y);
}

export function drawn(draw: (at: At, random: Random) => string): Alteration {
  return (portrait, random) => overdrawn(portrait, draw(atOf(portrait), random));
}

export async function overdrawn({ bytes, width, height }: Portrait, svg: string): Promise<Buffer> {
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${svg}</svg>`;
  return encoded(sharp(bytes).composite([{ input: Buffer.from(overlay) }]));
}

function turned(degrees: number): Alteration {
  return async ({ bytes }, random) => {
    const grey = Math.round(60 + 140 * random());
    return encoded(
      sharp(bytes).rotate(random() < 0.5 ? degrees : -degrees, { background: { r: grey, g: grey, b: grey } }),
    );
  };
}

/** Cuts the picture off at a place of the face. */
export function cut(where: (at: At, random: Random) => { left?: number; bottom?: number }): Alteration {
  return async (portrait, random) => {
    const { left = 0, bottom = portrait.height } = where(atOf(portrait), random);
    const [x, h] = [Math.max(0, Math.round(left)), Math.min(portrait.height, Math.round(bottom))];
    const part = sharp(portrait.bytes).extract({ left: x, top: 0, width: portrait.width - x, height: h });
    // The other side of the face as often.
    return encoded(random() < 0.5 && x > 0 ? sharp(await part.toBuffer()).flop() : part);
  };
}

async function darkened({ bytes, width, height }: Portrait, gamma: number): Promise<Buffer> {
  const { data } = await sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.round(255 * (value / 255) ** gamma));
  return encoded(
    sharp(
      data.map((value) => table[value]!),
      { raw: { width, height, channels: 3 } },
    ),
  );
}

/** A photograph of a print: paper around it, on four sides. */
async function printed({ bytes, width, height }: Portrait, random: Random): Promise<Buffer> {
  const [r, g, b] = random() < 0.7 ? [246, 245, 240].map((v) => v - Math.round(14 * random())) : [30, 30, 34];
  const share = (): number => 0.04 + 0.08 * random();
  const [left, right] = [share(), share()].map((s) => Math.round(s * width));
  const [top, bottom] = [share(), share()].map((s) => Math.round(s * height));
  return encoded(
    sharp(bytes).extend({
      left: left!,
      right: right!,
      top: top!,
      bottom: bottom!,
      background: { r: r!, g: g!, b: b! },
    }),
  );
}

export const pick = <Item>(random: Random, items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
export const path = (points: readonly Point[]): string =>
  `M${points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`;
export const away = (from: Point, to: Point, by: number): Point => ({
  x: to.x + (to.x - from.x) * by,
  y: to.y + (to.y - from.y) * by,
});

export function tiltOf(at: At): number {
  const [l, r] = [between(at(36), at(39)), between(at(42), at(45))];
  return (Math.atan2(r.y - l.y, r.x - l.x) * 180) / Math.PI;
}

/** One lens or frame around an eye. */
export function lens(
  at: At,
  [from, to]: readonly [number, number],
  size: { rx: number; ry: number; shape: number },
  style: string,
): string {
  const d = eyeDistance(at);
  const { x, y } = between(at(from), at(to));
  const [rx, ry] = [size.rx * d, size.ry * d];
  const round = size.shape < 0.4 ? rx : size.shape < 0.8 ? 0.35 * rx : 0.08 * rx;
  return `<rect x="${x - rx}" y="${y - 0.85 * ry}" width="${2 * rx}" height="${2 * ry}" rx="${round}" ry="${size.shape < 0.4 ? ry : round}" transform="rotate(${tiltOf(at)} ${x} ${y})" ${style}/>`;
}

function bridge(at: At, colour: string, width: number): string {
  const [a, b] = [at(39), at(42)];
  return `<line x1="${a.x}" y1="${a.y}" x2="${b.x}" y2="${b.y}" stroke="${colour}" stroke-width="${width}"/>`;
}

function sunglasses(at: At, random: Random): string {
  const d = eyeDistance(at);
  const colour = pick(random, ['#0b0b0d', '#141416', '#2a1c12', '#1b2433', '#3a2a55', '#40525c', '#12301c']);
  const size = { rx: 0.33 + 0.1 * random(), ry: 0.22 + 0.13 * random(), shape: random() };
  const shine = random() < 0.5;
  const gradient = `<defs><linearGradient id="g" x2="0.6" y2="1"><stop offset="0" stop-color="${shine ? '#8d99a3' : colour}"/><stop offset="0.45" stop-color="${colour}"/></linearGradient></defs>`;
  const style = `fill="url(#g)" fill-opacity="${(0.93 + 0.07 * random()).toFixed(2)}" stroke="${colour}" stroke-width="${0.03 * d}"`;
  const arm = (eye: number, jaw: number): string =>
    `<line x1="${at(eye).x}" y1="${at(eye).y}" x2="${at(jaw).x}" y2="${at(jaw).y}" stroke="${colour}" stroke-width="${0.05 * d}"/>`;
  return (
    gradient +
    arm(36, 0) +
    arm(45, 16) +
    bridge(at, colour, 0.06 * d) +
    lens(at, [36, 39], size, style) +
    lens(at, [42, 45], size, style)
  );
}

/** Frames alone: the eyes are seen. */
function glasses(at: At, random: Random): string {
  const d = eyeDistance(at);
  const colour = pick(random, ['#0a0a0a', '#161310', '#2b1a10']);
  const stroke = (0.07 + 0.06 * random()) * d;
  const size = { rx: 0.36 + 0.06 * random(), ry: 0.24 + 0.08 * random(), shape: random() };
  const style = `fill="none" stroke="${colour}" stroke-width="${stroke}"`;
  return bridge(at, colour, stroke) + lens(at, [36, 39], size, style) + lens(at, [42, 45], size, style);
}

export const CLOTH = [
  '#b9d7e6',
  '#f1f3f4',
  '#18181b',
  '#e9b7c4',
  '#8fb8a0',
  '#7d1f2b',
  '#27408b',
  '#c9a25a',
  '#6b6e73',
  '#d8c8b4',
  '#94724f',
];

function mask(at: At, random: Random): string {
  const colour = pick(random, CLOTH.slice(0, 6));
  const top = between(at(28), at(30), 0.2 + 0.7 * random());
  const points = [
    at(2),
    between(at(2), at(31), 0.7),
    top,
    between(at(14), at(35), 0.7),
    at(14),
    at(13),
    at(12),
    at(11),
    at(10),
    at(9),
    away(at(57), at(8), 0.1),
    at(7),
    at(6),
    at(5),
    at(4),
    at(3),
  ];
  const fold = (share: number): string =>
    `<path d="M${between(at(3), at(31), 0.2).x} ${between(at(31), at(8), share).y}L${between(at(13), at(35), 0.2).x} ${between(at(35), at(8), share).y}" stroke="#000" stroke-opacity="0.12" stroke-width="2" fill="none"/>`;
  return `<path d="${path(points)}" fill="${colour}"/>${random() < 0.6 ? fold(0.3) + fold(0.5) + fold(0.7) : ''}`;
}

function scarf(at: At, random: Random): string {
  const [colour, other] = [pick(random, CLOTH), pick(random, CLOTH)];
  const top = between(at(30), at(33), random());
  const d = eyeDistance(at);
  const out = (i: number, by: number): Point => ({ x: at(i).x + by * d, y: at(i).y });
  const points = [
    out(3, -0.3),
    between(at(3), top, 0.6),
    top,
    between(at(13), top, 0.6),
    out(13, 0.3),
    { x: out(13, 0.5).x, y: at(8).y + d },
    { x: out(3, -0.5).x, y: at(8).y + d },
  ];
  const pattern = `<defs><pattern id="p" width="${0.24 * d}" height="${0.24 * d}" patternUnits="userSpaceOnUse" patternTransform="rotate(${90 * random()})"><rect width="100%" height="100%" fill="${colour}"/><rect width="45%" height="100%" fill="${random() < 0.5 ? colour : other}"/></pattern></defs>`;
  return `${pattern}<path d="${path(points)}" fill="url(#p)"/>`;
}

/** Four fingers from below over the mouth, in the person's own colour, a little lighter or darker. */
function hand(portrait: Portrait, random: Random, skin: readonly [number, number, number]): string {
  const at = atOf(portrait);
  const d = eyeDistance(at);
  const light = 0.85 + 0.25 * random();
  const rgb = (share: number): string =>
    `rgb(${skin.map((v) => Math.round(Math.min(255, v * light * share))).join(',')})`;
  const middle = between(at(51), at(57));
  const lean = (random() - 0.5) * 50;
  const finger = (i: number): string => {
    const x = middle.x + (i - 1.5) * 0.27 * d;
    const top = middle.y - (0.3 + 0.08 * (1.5 - Math.abs(i - 1.5))) * d;
    return `<rect x="${x - 0.14 * d}" y="${top}" width="${0.28 * d}" height="${1.6 * d}" rx="${0.14 * d}" fill="${rgb(1)}" stroke="${rgb(0.7)}" stroke-width="${0.02 * d}"/>`;
  };
  return `<g transform="rotate(${lean} ${middle.x} ${middle.y})">${[0, 1, 2, 3].map(finger).join('')}</g>`;
}

/** The mean colour of both cheeks. */
export async function skinOf(portrait: Portrait): Promise<[number, number, number]> {
  const at = atOf(portrait);
  const side = Math.max(4, Math.round(0.2 * eyeDistance(at)));
  const means = await Promise.all(
    (
      [
        [36, 48],
        [45, 54],
      ] as const
    ).map(async ([eye, mouth]) => {
      const { x, y } = between(at(eye), at(mouth));
      const left = Math.min(portrait.width - side, Math.max(0, Math.round(x - side / 2)));
      const top = Math.min(portrait.height - side, Math.max(0, Math.round(y - side / 2)));
      const { channels } = await sharp(
        await sharp(portrait.bytes).extract({ left, top, width: side, height: side }).png().toBuffer(),
      ).stats();
      return channels.slice(0, 3).map(({ mean }) => mean);
    }),
  );
  return [0, 1, 2].map((c) => (means[0]![c]! + means[1]![c]!) / 2) as [number, number, number];
}

function hat(at: At, random: Random): string {
  const d = eyeDistance(at);
  const colour = pick(random, [...CLOTH, '#101015', '#101015']);
  const brow = (i: number, by: number): Point => away(between(at(33), at(30)), at(i), by);
  // To the brows, or a little above or below them.
  const by = -0.12 + 0.2 * random();
  const edge = [17, 18, 19, 20, 23, 24, 25, 26].map((i) => brow(i, by));
  const [first, last] = [edge[0]!, edge.at(-1)!];
  const points = [
    { x: first.x - 0.5 * d, y: first.y },
    ...edge,
    { x: last.x + 0.5 * d, y: last.y },
    { x: last.x + 0.35 * d, y: last.y - 1.8 * d },
    { x: first.x - 0.35 * d, y: first.y - 1.8 * d },
  ];
  const brim =
    random() < 0.5
      ? `<path d="${path([...edge.map(({ x, y }) => ({ x, y: y - 0.02 * d })), ...[...edge].reverse().map(({ x, y }) => ({ x, y: y - 0.18 * d }))])}" fill="#000" fill-opacity="0.35"/>`
      : '';
  return `<path d="${path(points)}" fill="${colour}"/>${brim}`;
}

/** One side dark, from the middle of the face or near it. */
function shadow(at: At, random: Random): string {
  const depth = (0.75 + 0.2 * random()).toFixed(2);
  const d = eyeDistance(at);
  const middle = at(30).x + (random() - 0.5) * 0.2 * d;
  const soft = (0.04 + 0.3 * random()) * d;
  const left = random() < 0.5;
  const [from, to] = [middle - soft, middle + soft];
  return `<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="${from}" x2="${to}" y1="0" y2="0"><stop offset="0" stop-opacity="${left ? depth : 0}"/><stop offset="1" stop-opacity="${left ? 0 : depth}"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/>`;
}
