import { EVENT_SOURCES, readDomainTypes, type EventShapeText } from './event-shapes.js';

/** What the document needs from the program beside its types. */
export interface KnownConsumers {
  /** Stored name → version that is written today. */
  readonly versions: Readonly<Record<string, { readonly version: number }>>;
  readonly projections: readonly { readonly name: string; readonly handles: readonly string[] }[];
  readonly sagaSources: readonly string[];
}

const OPENING = `# Events

Every event that is stored, from the domain's types and the event registry. This file is generated: \`UPDATE_EVENTS_DOCUMENT=1 ./honnin test
test/history\` writes it, and the same test fails while it is not current.

A stored name is never changed or reused. A changed shape is a new version with an upcaster, a new folder of samples below
\`test/history/\` and a line here, in one commit; samples of old versions are never edited. Every event also carries its envelope: id, stream,
revision, position, schema version, actor, correlation, causation, time of recording and the version of the policy that a rule used.
`;

/** The text of docs/events.md. */
export function eventsDocument(known: KnownConsumers): string {
  const { events, named } = readDomainTypes();
  const parts = [OPENING];
  for (const { union, streams, about } of EVENT_SOURCES) {
    parts.push(
      `## Streams \`${streams}\`\n\n${about}\n`,
      ...events.filter((event) => event.union === union).map((event) => describe(event, known)),
    );
  }
  parts.push(
    '## Types that the fields use\n',
    ...[...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `**\`${name}\`**: \`${text}\`\n`),
  );
  return `${parts.join('\n')}`;
}

function describe(
  { name, doc, fields }: EventShapeText,
  { versions, projections, sagaSources }: KnownConsumers,
): string {
  const readers = [
    ...(sagaSources.includes(name) ? ['the saga'] : []),
    ...projections.filter((projection) => projection.handles.includes(name)).map((projection) => projection.name),
  ];
  const rows = fields.map(
    (field) => `| \`${field.name}\` | \`${field.type.replaceAll('|', '\\|')}\` | ${field.doc.replaceAll('|', '\\|')} |`,
  );
  return [
    `### ${name}`,
    '',
    ...(doc ? [doc, ''] : []),
    `Version ${versions[name]?.version ?? '?'}. Read by ${readers.length > 0 ? readers.join(', ') : 'its own aggregate'}.`,
    '',
    '| Field | Type | Meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
