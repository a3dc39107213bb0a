import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

/** Where the unions of events are. The order is the order of docs/events.md. */
export const EVENT_SOURCES = [
  {
    union: 'RegistrationEvent',
    file: 'registration/registration.events',
    streams: 'registration-<requestId>',
    about: 'One request of a booth, from its receipt to its end.',
  },
  {
    union: 'HoldReviewEvent',
    file: 'hold-review/hold-review.events',
    streams: 'hold-<requestId>',
    about: 'What officers do with a held case.',
  },
  {
    union: 'RegistrantEvent',
    file: 'registrant/registrant.events',
    streams: 'registrant-<subjectKey>',
    about: 'A person under a pseudonymous key: consent and registered face images.',
  },
  {
    union: 'PolicyEvent',
    file: 'policy/policy.events',
    streams: 'policy-thresholds',
    about: 'Every value that a rule uses, approved by a second person.',
  },
  { union: 'BoothEvent', file: 'booth/booth.events', streams: 'booth-<boothId>', about: 'The booths and their keys.' },
  {
    union: 'DualActEvent',
    file: 'dual-control/dual-act.events',
    streams: 'act-<actId>',
    about: 'What nobody does alone: one person proposes, another one approves, then it is carried out.',
  },
  {
    union: 'ConsumerEvent',
    file: 'consumer/consumer.events',
    streams: 'consumer-<name>',
    about: 'Events that a part of the server could not take, and what people did about it.',
  },
  {
    union: 'LockoutEvent',
    file: 'access/lockout.events',
    streams: 'lockout-staff',
    about: 'Who of the staff is kept out before a token ends, and let in again.',
  },
  {
    union: 'AccessEvent',
    file: 'access/access.events',
    streams: 'access-<yyyy-mm-dd>-<id>',
    about: 'Who looked at what, and who was not let in.',
  },
  {
    union: 'DoorEvent',
    file: 'access/access.events',
    streams: 'door-<id>',
    about: 'Requests that were turned away: the refusal, and nothing of the request.',
  },
  {
    union: 'ChallengeEvent',
    file: 'access/access.events',
    streams: 'challenge-<hash>',
    about: 'Nonces that were used; the store itself makes them single-use.',
  },
  {
    union: 'ClaimEvent',
    file: 'access/access.events',
    streams: 'claim-<requestId>, command-<id>',
    about: 'Who owns an Idempotency-Key; the store itself decides it, before anything of a request is stored.',
  },
  {
    union: 'SignedLogEvent',
    file: 'audit/log/signed-log.events',
    streams: 'signed-log',
    about: 'What the signed log says of itself, told in the store that it is made of.',
  },
  {
    union: 'VerifierPageEvent',
    file: 'audit/bundle/verifier-page.events',
    streams: 'verifier-page',
    about: 'Which offline verifier was given out: recorded before its first copy.',
  },
  {
    union: 'ErasureEvent',
    file: 'publication/erasure.events',
    streams: 'erasure-<erasureId>',
    about: 'Which consumers of published events were told of an erasure, and which have confirmed it.',
  },
  {
    union: 'InstallationEvent',
    file: 'installation/installation.events',
    streams: 'installation-claim',
    about: 'To whom a store belongs, and by which keys it is known. Every start compares its parts with it.',
  },
  {
    union: 'LossEvent',
    file: 'installation/loss.events',
    streams: 'installation-loss',
    about: 'What two administrators accept to be lost. From the acceptance on the signed log has its new name.',
  },
  {
    union: 'ServerEvent',
    file: 'installation/installation.events',
    streams: 'installation-server',
    about: 'Which process works on a store that several could reach; none with the embedded store, whose lock knows.',
  },
  {
    union: 'SagaEvent',
    file: 'saga/registration.saga',
    streams: 'saga-<requestId>',
    about: 'What the saga wants done, and what became of it.',
  },
] as const;

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly doc: string;
}

export interface EventShapeText {
  readonly name: string;
  readonly union: string;
  readonly doc: string;
  readonly fields: readonly Field[];
}

export interface DomainTypes {
  readonly events: readonly EventShapeText[];
  /** Named types that fields use, with their definition: name → text. */
  readonly named: ReadonlyMap<string, string>;
}

/** Reads the events and their fields out of the domain's types, so that nothing about them has to be written down
 * twice. */
export function readDomainTypes(): DomainTypes {
  const program = programWith(imports());
  const checker = program.getTypeChecker();
  const events: EventShapeText[] = [];
  const named = new Map<string, string>();
  for (const { union, file } of EVENT_SOURCES) {
    const source = program.getSourceFile(path.join(root, 'src/domain', `${file}.ts`)) as ts.SourceFile;
    for (const member of membersOf(source, union)) {
      const [type, data] = ['type', 'data'].map((name) => propertyNamed(member, name)) as [ts.TypeNode, ts.TypeNode];
      const fields = checker
        .getPropertiesOfType(checker.getTypeFromTypeNode(data))
        .map((symbol) => fieldOf(symbol, checker, named));
      events.push({ name: type.getText(source).slice(1, -1), union, doc: commentBefore(source, member), fields });
    }
  }
  return { events, named };
}

/** Checks stored data against the domain's types, exactly as if it were written in the source: a missing field, a field
 * too many and a value outside a closed list are found.
 * @param samples event name and data in today's shape
 * @returns one line for each fault, naming the event */
export function checkAgainstTypes(samples: readonly { readonly name: string; readonly data: unknown }[]): string[] {
  const lines = samples.map(
    ({ name, data }, i) =>
      `export const ${name}${i}: Extract<Any, { type: '${name}' }>['data'] = ${JSON.stringify(data)};`,
  );
  const text = `${imports()}\n${lines.join('\n')}\n`;
  const firstLine = imports().split('\n').length;
  const program = programWith(text);
  const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(SAMPLES));
  return diagnostics.map((diagnostic) => {
    const at = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
    return `${samples[at - firstLine]?.name ?? 'types'}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
}

/** Names of all events in the types, which must be the names of the registry. */
export function eventNames(types: DomainTypes): string[] {
  return types.events.map((event) => event.name);
}

const SAMPLES = path.join(root, 'test/history/samples.generated.ts');

function imports(): string {
  const lines = EVENT_SOURCES.map(({ union, file }) => `import type { ${union} } from '../../src/domain/${file}.js';`);
  return [
    ...lines,
    `type Any = ${EVENT_SOURCES.map(({ union }) => union).join(' | ')};`,
    'export type AnyEvent = Any;',
  ].join('\n');
}

function programWith(text: string): ts.Program {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    types: [],
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
  };
  const host = ts.createCompilerHost(options, true);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, target) =>
    name === SAMPLES ? ts.createSourceFile(name, text, target, true) : getSourceFile.call(host, name, target);
  host.fileExists = (name) => name === SAMPLES || fileExists.call(host, name);
  host.readFile = (name) => (name === SAMPLES ? text : readFile.call(host, name));
  return ts.createProgram([SAMPLES], options, host);
}

/** The object types of a union, in the order of the source. */
function membersOf(source: ts.SourceFile, union: string): ts.TypeLiteralNode[] {
  const alias = source.statements.find(
    (statement): statement is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(statement) && statement.name.text === union,
  );
  if (!alias) throw new Error(`${source.fileName} has no type ${union}`);
  const nodes = ts.isUnionTypeNode(alias.type) ? [...alias.type.types] : [alias.type];
  return nodes.filter(ts.isTypeLiteralNode);
}

function propertyNamed(literal: ts.TypeLiteralNode, name: string): ts.TypeNode {
  const found = literal.members.find(
    (member): member is ts.PropertySignature => ts.isPropertySignature(member) && member.name.getText() === name,
  );
  if (!found?.type) throw new Error(`an event has no ${name}`);
  return found.type;
}

function fieldOf(symbol: ts.Symbol, checker: ts.TypeChecker, named: Map<string, string>): Field {
  const declaration = symbol.valueDeclaration as ts.PropertySignature;
  collectNamed(declaration.type as ts.TypeNode, checker, named);
  return {
    name: symbol.name,
    type: plain((declaration.type as ts.TypeNode).getText()),
    doc: oneLine(ts.displayPartsToString(symbol.getDocumentationComment(checker))),
  };
}

/** Notes the definitions of the domain's own named types that a type uses, and of those that they use. */
function collectNamed(node: ts.Node, checker: ts.TypeChecker, named: Map<string, string>): void {
  if (ts.isTypeReferenceNode(node)) {
    const found = checker.getSymbolAtLocation(node.typeName);
    const symbol = found && found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
    const declaration = symbol?.declarations?.[0];
    if (
      symbol &&
      declaration &&
      declaration.getSourceFile().fileName.includes('/src/domain/') &&
      !named.has(symbol.name)
    ) {
      named.set(symbol.name, definitionOf(declaration));
      collectNamed(declaration, checker, named);
    }
  }
  node.forEachChild((child) => collectNamed(child, checker, named));
}

function definitionOf(declaration: ts.Declaration): string {
  if (ts.isTypeAliasDeclaration(declaration)) return plain(declaration.type.getText());
  if (ts.isInterfaceDeclaration(declaration))
    return plain(`{ ${declaration.members.map((member) => member.getText()).join(' ')} }`);
  return plain(declaration.getText());
}

/** The comment that stands before a member of a union, which TypeScript itself gives to nobody. */
function commentBefore(source: ts.SourceFile, member: ts.TypeLiteralNode): string {
  const before = source.text.slice(0, member.getStart(source));
  const found = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\|?\s*$/.exec(before);
  return found ? oneLine((found[1] as string).replace(/^\s*\*/gm, '')) : '';
}

function plain(type: string): string {
  return oneLine(
    type
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/\breadonly /g, '')
      .replace(/^\s*\|/, ''),
  ).replace(/; }/g, ' }');
}

function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/@req(?: [RA]\d+)+/g, '')
    .trim();
}
