/** What is commonly kept in an application segment, by how it begins. Nothing but these words is ever told of a file.
 *  */
const APPLICATIONS: readonly (readonly [number, string, string])[] = [
  [0xe0, 'JFIF\0', 'JFIF'],
  [0xe0, 'JFXX\0', 'JFXX'],
  [0xe1, 'Exif\0', 'Exif'],
  [0xe1, 'http://ns.adobe.com/x', 'XMP'],
  [0xe2, 'ICC_PROFILE\0', 'ICC profile'],
  [0xe2, 'MPF\0', 'several pictures'],
  [0xed, 'Photoshop ', 'Photoshop'],
  [0xee, 'Adobe', 'Adobe'],
];

const NAMES: Readonly<Record<number, string>> = {
  0x01: 'TEM',
  0xc4: 'DHT',
  0xc8: 'JPG',
  0xcc: 'DAC',
  0xd8: 'SOI',
  0xd9: 'EOI',
  0xda: 'SOS',
  0xdb: 'DQT',
  0xdc: 'DNL',
  0xdd: 'DRI',
  0xde: 'DHP',
  0xdf: 'EXP',
  0xfe: 'COM',
};

/** The name of the marker at this place (ITU-T T.81 table B.1), with what an application segment holds where that is
 *  well known. */
export function markerName(bytes: Uint8Array, at: number): string {
  const marker = bytes[at + 1]!;
  if (marker >= 0xe0 && marker <= 0xef) {
    const known = APPLICATIONS.find(([application, text]) => application === marker && begins(bytes, at + 4, text));
    return `APP${marker - 0xe0}${known ? ` (${known[2]})` : ''}`;
  }
  if (marker >= 0xd0 && marker <= 0xd7) return `RST${marker - 0xd0}`;
  return NAMES[marker] ?? (marker >= 0xc0 && marker <= 0xcf ? `SOF${marker - 0xc0}` : 'unknown marker');
}

function begins(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
}
