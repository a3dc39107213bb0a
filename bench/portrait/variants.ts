import sharp from 'sharp';
import {
  away,
  between,
  CLOTH,
  cut,
  drawn,
  encoded,
  eyeDistance,
  lens,
  overdrawn,
  path,
  pick,
  skinOf,
  tiltOf,
  type Alteration,
  type At,
  type Point,
  type Portrait,
  type Random,
} from './alterations.ts';

type Rgb = readonly [number, number, number];

/** Further drawings of the same kinds, in other colours, shapes and stuffs than `ALTERATIONS`: marks that fit one
 *  painter's hand are found out by another's. */
export const VARIANTS: Readonly<Record<string, Alteration>> = {
  beanie: coloured((p, random, { skin, hair }) => beanie(atOf(p), random, stuffOf(random, skin, hair))),
  'hat in the colour of the hair': coloured((p, random, { hair }) =>
    hatOf(atOf(p), random, rgb(hair, 0.8 + 0.4 * random())),
  ),
  'hat in the colour of the skin': coloured((p, random, { skin }) =>
    hatOf(atOf(p), random, rgb(skin, 0.8 + 0.3 * random())),
  ),
  'cap with a brim': coloured((p, random, { skin, hair }) => cap(atOf(p), random, stuffOf(random, skin, hair))),
  headband: coloured((p, random, { skin, hair }) => headband(atOf(p), random, stuffOf(random, skin, hair))),
  'fringe to the brows': coloured((p, random, { hair }) => fringe(atOf(p), random, hair)),
  'patterned mask': coloured((p, random, { skin, hair }) => wornMask(atOf(p), random, stuffOf(random, skin, hair))),
  'mask in the colour of the skin': coloured((p, random, { skin }) =>
    wornMask(atOf(p), random, rgb(skin, 0.8 + 0.35 * random())),
  ),
  'palm on the mouth': coloured((p, random, { skin }) => palm(atOf(p), random, skin)),
  'hand with the own skin': ownSkin,
  'cup at the mouth': drawn(cup),
  'bar over the eyes': coloured((p, random, { skin, hair }) => bar(atOf(p), random, stuffOf(random, skin, hair))),
  'bright lenses': drawn(brightLenses),
  'hair over one eye': coloured((p, random, { hair }) => hairOverOneEye(atOf(p), random, hair)),
  'patch over one eye': coloured((p, random, { skin, hair }) => patch(atOf(p), random, stuffOf(random, skin, hair))),
  'hand over the eyes': coloured((p, random, { skin }) => handOverEyes(atOf(p), random, skin)),
  'left half in shadow': shaded('left'),
  'right half in shadow': shaded('right'),
  'upper half in shadow': shaded('up'),
  'lower half in shadow': shaded('down'),
  'ear cut off': cut((at, random) => ({ left: between(at(0), at(36), 0.05 + 0.5 * random()).x })),
  'forehead cut off': async (portrait, random) => {
    const at = atOf(portrait);
    const top = Math.max(0, Math.round(at(19).y - 0.3 * random() * eyeDistance(at)));
    const { width, height } = portrait;
    return encoded(sharp(portrait.bytes).extract({ left: 0, top, width, height: height - top }));
  },
  'thin border': bordered(0.012, 0.03),
  'screen of a telephone': telephone,
  'print on a table': printOnTable,
  'other light': otherLight,
};

function atOf({ landmarks }: Portrait): At {
  return (i) => landmarks[i]!;
}

interface Own {
  readonly skin: Rgb;
  readonly hair: Rgb;
}

function coloured(draw: (portrait: Portrait, random: Random, own: Own) => string): Alteration {
  return async (portrait, random) => {
    const own = { skin: await skinOf(portrait), hair: await hairOf(portrait) };
    return overdrawn(portrait, draw(portrait, random, own));
  };
}

/** The mean colour of a strip well above the brows. */
async function hairOf(portrait: Portrait): Promise<Rgb> {
  const at = atOf(portrait);
  const d = eyeDistance(at);
  const { x, y } = between(at(21), at(22));
  const [width, height] = [Math.max(4, Math.round(0.8 * d)), Math.max(4, Math.round(0.15 * d))];
  const left = Math.min(portrait.width - width, Math.max(0, Math.round(x - width / 2)));
  const top = Math.min(portrait.height - height, Math.max(0, Math.round(y - 0.95 * d)));
  const strip = await sharp(portrait.bytes).extract({ left, top, width, height }).png().toBuffer();
  const [r, g, b] = (await sharp(strip).stats()).channels.map(({ mean }) => mean);
  return [r!, g!, b!];
}

function rgb(colour: Rgb, light = 1): string {
  return `rgb(${colour.map((v) => Math.round(Math.min(255, v * light))).join(',')})`;
}

/** Plain or grained, striped or spotted; sometimes in a colour of the person. */
function stuffOf(random: Random, skin: Rgb, hair: Rgb): string {
  return pick(random, [...CLOTH, rgb(skin, 0.85 + 0.3 * random()), rgb(hair, 0.8 + 0.4 * random())]);
}

/** Definitions for a fill, and the fill: a colour with stripes, checks, spots or nothing, and what lies over it to give
 *  it a grain. */
function stuff(at: At, random: Random, colour: string): { readonly defs: string; readonly style: string } {
  const size = (0.06 + 0.2 * random()) * eyeDistance(at);
  const other = pick(random, ['#000', '#fff', ...CLOTH]);
  const share = random();
  const shapes = [
    '',
    `<rect width="${size / 2}" height="${size}" fill="${other}"/>`,
    `<rect width="${size / 2}" height="${size / 2}" fill="${other}"/>`,
    `<circle cx="${size / 2}" cy="${size / 2}" r="${size / 3}" fill="${other}"/>`,
  ];
  const shape = share < 0.4 ? shapes[0] : pick(random, shapes.slice(1));
  const faint = (0.15 + 0.85 * random()).toFixed(2);
  const grain = random() < 0.6;
  const turbulence = `<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence
    type="fractalNoise" seed="${Math.floor(999 * random())}"
    baseFrequency="${(0.05 + 0.5 * random()).toFixed(3)}" numOctaves="2" result="n"/><feColorMatrix in="n" type="matrix"
    values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  0 ${(0.5 + random()).toFixed(2)} 0 0 -0.2" result="m"/><feComposite
    in="m" in2="SourceAlpha" operator="in" result="k"/><feMerge>
    <feMergeNode in="SourceGraphic"/><feMergeNode in="k"/></feMerge></filter>`;
  return {
    defs: `<defs><pattern id="q" width="${size}" height="${size}" patternUnits="userSpaceOnUse"
      patternTransform="rotate(${90 * random()})"><rect width="${size}" height="${size}" fill="${colour}"/>
      <g opacity="${faint}">${shape}</g></pattern>${grain ? turbulence : ''}</defs>`,
    style: `fill="url(#q)"${grain ? ' filter="url(#f)"' : ''}`,
  };
}

/** Points on a line over the brows, moved up by a share of the eye distance. */
function overBrows(at: At, up: number): Point[] {
  const d = eyeDistance(at);
  const nose = between(at(33), at(30));
  const length = (p: Point): number => Math.hypot(p.x - nose.x, p.y - nose.y);
  return [17, 18, 19, 20, 23, 24, 25, 26].map((i) => away(nose, at(i), (up * d) / length(at(i))));
}

function crown(at: At, edge: readonly Point[], wide: number): Point[] {
  const d = eyeDistance(at);
  const [first, last] = [edge[0]!, edge.at(-1)!];
  const [l, r] = [
    { x: first.x - wide * d, y: first.y + 0.1 * d },
    { x: last.x + wide * d, y: last.y + 0.1 * d },
  ];
  return [l, ...edge, r, { x: r.x - 0.05 * d, y: r.y - 1.9 * d }, { x: l.x + 0.05 * d, y: l.y - 1.9 * d }];
}

function beanie(at: At, random: Random, colour: string): string {
  const { defs, style } = stuff(at, random, colour);
  const edge = overBrows(at, -0.06 + 0.18 * random());
  const d = eyeDistance(at);
  const fold = edge.map(({ x, y }) => ({ x, y: y - 0.35 * d }));
  const line = `<path d="${path(fold).replace('Z', '')}" fill="none" stroke="#000"
    stroke-opacity="0.3" stroke-width="${0.03 * d}"/>`;
  return `${defs}<path d="${path(crown(at, edge, 0.35))}" ${style}/>${random() < 0.5 ? line : ''}`;
}

function hatOf(at: At, random: Random, colour: string): string {
  const edge = overBrows(at, -0.06 + 0.18 * random());
  const d = eyeDistance(at);
  const rim = [...edge, ...[...edge].reverse().map(({ x, y }) => ({ x, y: y - 0.15 * d }))];
  const shade = `<path d="${path(rim)}" fill="#000" fill-opacity="${(0.1 + 0.3 * random()).toFixed(2)}"/>`;
  return `<path d="${path(crown(at, edge, 0.5))}" fill="${colour}"/>${random() < 0.7 ? shade : ''}`;
}

function cap(at: At, random: Random, colour: string): string {
  const d = eyeDistance(at);
  const { defs, style } = stuff(at, random, colour);
  const edge = overBrows(at, 0.02 + 0.12 * random());
  const low = edge.map(({ x, y }, i) => {
    return { x: x + (i - 3.5) * 0.06 * d, y: y - 0.02 * d + 0.1 * d * Math.cos((i - 3.5) / 2.4) };
  });
  const brim = [...low, ...[...edge].reverse().map(({ x, y }) => ({ x, y: y - 0.28 * d }))];
  const under = [
    { x: low.at(-1)!.x, y: at(45).y + 0.2 * d },
    { x: low[0]!.x, y: at(36).y + 0.2 * d },
  ];
  const shade = `<path d="${path([...low, ...under])}"
    fill="#000" fill-opacity="${(0.45 * random()).toFixed(2)}"/>`;
  return `${defs}${shade}<path d="${path(crown(at, edge, 0.3))}" ${style}/>
    <path d="${path(brim)}" ${style}/><path d="${path(brim)}" fill="#000" fill-opacity="0.35"/>`;
}

function headband(at: At, random: Random, colour: string): string {
  const d = eyeDistance(at);
  const { defs, style } = stuff(at, random, colour);
  const low = overBrows(at, 0.02 + 0.1 * random());
  const high = [...low].reverse().map(({ x, y }) => ({ x, y: y - (0.35 + 0.25 * random()) * d }));
  const [first, last] = [low[0]!, low.at(-1)!];
  const ends = [
    { x: first.x - 0.3 * d, y: first.y },
    { x: last.x + 0.3 * d, y: last.y },
  ] as const;
  return `${defs}<path d="${path([ends[0], ...low, ends[1], ...high])}" ${style}/>`;
}

/** Strands that hang from above. */
function strands(from: readonly Point[], to: readonly Point[], hair: Rgb, random: Random, width: number): string {
  return from
    .map((a, i) => {
      const b = to[i]!;
      const bend = { x: (a.x + b.x) / 2 + (random() - 0.5) * 6 * width, y: (a.y + b.y) / 2 };
      return `<path d="M${a.x} ${a.y}Q${bend.x} ${bend.y} ${b.x} ${b.y}" fill="none" stroke-linecap="round"
      stroke="${rgb(hair, 0.6 + 0.8 * random())}" stroke-width="${width * (0.6 + random())}"/>`;
    })
    .join('');
}

function fringe(at: At, random: Random, hair: Rgb): string {
  const d = eyeDistance(at);
  const n = 60;
  const [l, r] = [at(17), at(26)];
  const roots = [l, r].map(({ x, y }) => ({ x, y: y - 1.1 * d }));
  const from = Array.from({ length: n }, (_, i) => between(roots[0]!, roots[1]!, i / (n - 1)));
  const to = from.map((_, i) => {
    const p = between(l, r, i / (n - 1));
    return { x: p.x + (random() - 0.5) * 0.2 * d, y: p.y - (0.05 + 0.2 * random()) * d };
  });
  return strands(from, to, hair, random, 0.045 * d);
}

function wornMask(at: At, random: Random, colour: string): string {
  const { defs, style } = stuff(at, random, colour);
  const top = between(at(28), at(30), random());
  const side = random();
  const [l, r] = [between(at(1), at(2), side), between(at(15), at(14), side)];
  const chin = away(at(57), at(8), 0.1 * random());
  const jaw = [...[13, 12, 11, 10, 9].map(at), chin, ...[7, 6, 5, 4, 3].map(at)];
  const points = [l, between(l, top, 0.65), top, between(r, top, 0.65), r, ...jaw];
  return `${defs}<path d="${path(points)}" ${style}/>`;
}

function palm(at: At, random: Random, skin: Rgb): string {
  const d = eyeDistance(at);
  const { x, y } = between(at(51), at(57));
  const light = 0.7 + 0.5 * random();
  const [rx, ry] = [(0.45 + 0.25 * random()) * d, (0.3 + 0.2 * random()) * d];
  return `<defs><radialGradient id="g"><stop offset="0.5" stop-color="${rgb(skin, light)}"/><stop offset="1"
    stop-color="${rgb(skin, light * 0.8)}"/></radialGradient></defs><ellipse cx="${x}"
    cy="${y + 0.1 * d}" rx="${rx}" ry="${ry}" fill="url(#g)" stroke="${rgb(skin, 0.6)}" stroke-width="${0.015 * d}"
    transform="rotate(${(random() - 0.5) * 60} ${x} ${y})"/>`;
}

/** Fingers cut out of the person's own cheek and forehead. */
async function ownSkin(portrait: Portrait, random: Random): Promise<Buffer> {
  const at = atOf(portrait);
  const d = eyeDistance(at);
  const side = Math.max(6, Math.round(0.3 * d));
  const { x, y } = random() < 0.5 ? between(at(36), at(48)) : between(at(45), at(54));
  const left = Math.min(portrait.width - side, Math.max(0, Math.round(x - side / 2)));
  const top = Math.min(portrait.height - side, Math.max(0, Math.round(y - side / 2)));
  const cheek = await sharp(portrait.bytes)
    .extract({ left, top, width: side, height: side })
    .linear(0.8 + 0.35 * random())
    .png()
    .toBuffer();
  const middle = between(at(51), at(57));
  const fingers = [0, 1, 2, 3].map((i) => {
    const fx = middle.x + (i - 1.5) * 0.26 * d;
    return `<rect x="${fx - 0.13 * d}" y="${middle.y - 0.35 * d}" width="${0.27 * d}" height="${1.5 * d}"
      rx="${0.13 * d}" fill="url(#c)" stroke="#3a1c10" stroke-opacity="0.35" stroke-width="${0.02 * d}"/>`;
  });
  return overdrawn(
    portrait,
    `<defs><pattern id="c" width="${side}" height="${side}" patternUnits="userSpaceOnUse">
    <image href="data:image/png;base64,${cheek.toString('base64')}" width="${side}" height="${side}"/></pattern></defs>
    <g transform="rotate(${(random() - 0.5) * 60} ${middle.x} ${middle.y})">${fingers.join('')}</g>`,
  );
}

function cup(at: At, random: Random): string {
  const d = eyeDistance(at);
  const { x, y } = between(at(51), at(57));
  const w = (0.4 + 0.2 * random()) * d;
  const [top, bottom] = [y - (0.15 + 0.2 * random()) * d, y + (0.5 + 0.6 * random()) * d];
  const rim = [
    { x: x - w, y: top },
    { x: x + w, y: top },
  ];
  const foot = [
    { x: x + 0.8 * w, y: bottom },
    { x: x - 0.8 * w, y: bottom },
  ];
  return `<path d="${path([...rim, ...foot])}" fill="${pick(random, CLOTH)}"/>`;
}

function bar(at: At, random: Random, colour: string): string {
  const d = eyeDistance(at);
  const { defs, style } = stuff(at, random, colour);
  const { x, y } = between(between(at(36), at(39)), between(at(42), at(45)));
  const [w, h] = [(0.9 + 0.2 * random()) * d, (0.18 + 0.15 * random()) * d];
  return `${defs}<g transform="rotate(${tiltOf(at)} ${x} ${y})"><rect x="${x - w}" y="${y - h}" width="${2 * w}"
    height="${2 * h}" rx="${0.1 * d * random()}" ${style}/></g>`;
}

function brightLenses(at: At, random: Random): string {
  const from = pick(random, ['#ffd54a', '#f5f7fa', '#7fd1ff', '#ff7a59', '#c9a7ff', '#9ad0a0']);
  const to = pick(random, ['#5c4300', '#7c868f', '#123a66', '#5a1b0c', '#2c1a55', '#b9c4cc']);
  const size = { rx: 0.33 + 0.1 * random(), ry: 0.22 + 0.13 * random(), shape: random() };
  const style = `fill="url(#g)" fill-opacity="${(0.92 + 0.08 * random()).toFixed(2)}" stroke="#555"`;
  return `<defs><linearGradient id="g" x2="${random()}" y2="1"><stop offset="0" stop-color="${from}"/>
    <stop offset="1" stop-color="${to}"/></linearGradient></defs>
    ${lens(at, [36, 39], size, style)}${lens(at, [42, 45], size, style)}`;
}

function hairOverOneEye(at: At, random: Random, hair: Rgb): string {
  const d = eyeDistance(at);
  const left = random() < 0.5;
  const [a, b] = left ? [at(17), at(21)] : [at(22), at(26)];
  const n = 40;
  const roots = [
    { x: a.x - 0.1 * d, y: a.y - d },
    { x: b.x, y: b.y - d },
  ] as const;
  const from = Array.from({ length: n }, (_, i) => between(roots[0], roots[1], i / (n - 1)));
  const to = from.map((p) => ({ x: p.x + (left ? -0.1 : 0.1) * d * random(), y: at(30).y + 0.5 * d * random() }));
  return strands(from, to, hair, random, 0.045 * d);
}

function patch(at: At, random: Random, colour: string): string {
  const { defs, style } = stuff(at, random, colour);
  const size = { rx: 0.3 + 0.1 * random(), ry: 0.24 + 0.1 * random(), shape: random() };
  return defs + lens(at, random() < 0.5 ? [36, 39] : [42, 45], size, style);
}

function handOverEyes(at: At, random: Random, skin: Rgb): string {
  const d = eyeDistance(at);
  const { x, y } = between(between(at(36), at(39)), between(at(42), at(45)));
  const light = 0.8 + 0.35 * random();
  const fingers = [-1.5, -0.5, 0.5].map(
    (i) => `<rect x="${x - 1.1 * d}" y="${y + i * 0.27 * d}" width="${2.2 * d}"
    height="${0.28 * d}" rx="${0.14 * d}" fill="${rgb(skin, light)}"
    stroke="${rgb(skin, light * 0.7)}" stroke-width="${0.02 * d}"/>`,
  );
  return `<g transform="rotate(${tiltOf(at) + (random() - 0.5) * 16} ${x} ${y})">${fingers.join('')}</g>`;
}

function shaded(side: 'left' | 'right' | 'up' | 'down'): Alteration {
  return drawn((at, random) => {
    const d = eyeDistance(at);
    const depth = (0.7 + 0.25 * random()).toFixed(2);
    const level = side === 'up' || side === 'down';
    const middle = (level ? at(29).y : at(30).x) + (random() - 0.5) * 0.2 * d;
    const soft = (0.02 + 0.4 * random()) * d;
    const first = side === 'left' || side === 'up';
    const [along, across] = level ? ['y', 'x'] : ['x', 'y'];
    const axis = `${across}1="0" ${across}2="0" ${along}1="${middle - soft}" ${along}2="${middle + soft}"`;
    return `<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" ${axis}>
      <stop offset="0" stop-opacity="${first ? depth : 0}"/><stop offset="1" stop-opacity="${first ? 0 : depth}"/>
      </linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/>`;
  });
}

function bordered(from: number, to: number): Alteration {
  return async ({ bytes, width, height }, random) => {
    const share = from + (to - from) * random();
    const grey = random() < 0.6 ? 225 + Math.round(30 * random()) : Math.round(40 * random());
    const by = Math.max(3, Math.round(share * Math.min(width, height)));
    const background = { r: grey, g: grey, b: grey };
    return encoded(sharp(bytes).extend({ left: by, right: by, top: by, bottom: by, background }));
  };
}

/** A dark bezel, thin at the sides and thicker above and below, with round corners inside. */
async function telephone({ bytes, width, height }: Portrait, random: Random): Promise<Buffer> {
  const thin = Math.max(3, Math.round((0.02 + 0.03 * random()) * width));
  const thick = Math.round((0.05 + 0.1 * random()) * height);
  const r = (0.02 + 0.06 * random()) * width;
  const [w, h] = [width, height];
  const outside = `M0 0H${w}V${h}H0Z`;
  const right = `H${w - r}Q${w} 0 ${w} ${r}V${h - r}Q${w} ${h} ${w - r} ${h}`;
  const inside = `M${r} 0${right}H${r}Q0 ${h} 0 ${h - r}V${r}Q0 0 ${r} 0Z`;
  const corners = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}">
    <path fill-rule="evenodd" fill="#0c0c0e" d="${outside}${inside}"/></svg>`);
  const shown = await sharp(bytes)
    .composite([{ input: corners }])
    .png()
    .toBuffer();
  const background = { r: 12, g: 12, b: 14 };
  return encoded(sharp(shown).extend({ left: thin, right: thin, top: thick, bottom: thick, background }));
}

/** A print with a white border, held a little aslant before a wall. */
async function printOnTable({ bytes, width }: Portrait, random: Random): Promise<Buffer> {
  const border = Math.round((0.03 + 0.05 * random()) * width);
  const white = { r: 244, g: 243, b: 238 };
  const background = pick(random, [
    { r: 120, g: 90, b: 60 },
    { r: 70, g: 80, b: 90 },
    { r: 190, g: 180, b: 160 },
  ]);
  const around = { left: border, right: border, top: border, bottom: border, background: white };
  const print = await sharp(bytes).extend(around).png().toBuffer();
  const turnedPrint = await sharp(print)
    .rotate((random() - 0.5) * 10, { background })
    .png()
    .toBuffer();
  const by = Math.round((0.02 + 0.08 * random()) * width);
  return encoded(sharp(turnedPrint).extend({ left: by, right: by, top: by, bottom: by, background }));
}

/** Warmer or colder, brighter or darker, with more or less contrast, a little stronger from one side: still a
 *  portrait. */
async function otherLight({ bytes, width, height }: Portrait, random: Random): Promise<Buffer> {
  const warm = (random() - 0.5) * 0.24;
  const bright = 0.7 + 0.5 * random();
  const gamma = 1 + 0.8 * random();
  const gains = [1 + warm, 1, 1 - warm].map((v) => v * bright);
  const side = (0.25 * random()).toFixed(2);
  const [x1, x2] = random() < 0.5 ? [0, 1] : [1, 0];
  const shade = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>
    <linearGradient id="g" x1="${x1}" x2="${x2}"><stop offset="0.25" stop-opacity="${side}"/>
    <stop offset="0.75" stop-opacity="0"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/></svg>`);
  const toned = sharp(bytes)
    .linear(gains, [0, 0, 0])
    .gamma(gamma, 1 + 0.8 * random());
  const lit = await toned
    .composite([{ input: shade }])
    .png()
    .toBuffer();
  return sharp(lit)
    .jpeg({ quality: 60 + Math.floor(36 * random()) })
    .toBuffer();
}
