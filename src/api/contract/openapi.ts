import { applyDecorators, type INestApplication, type Type } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiProperty,
  ApiResponse,
  DocumentBuilder,
  getSchemaPath,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from './problems.js';
import { SIGNED_INSTANT } from './validation.js';

/** A place in a request that has not the agreed form. */
export class FormErrorAnswer {
  @ApiProperty({ description: "JSON pointer into the body, or into the part; '' is the whole of it, or nothing of it" })
  pointer!: string;

  @ApiProperty({ required: false, description: 'The part of an upload' })
  part?: string;

  @ApiProperty({ required: false, description: 'The query parameter' })
  parameter?: string;

  @ApiProperty({ required: false, description: 'The header field' })
  header?: string;

  @ApiProperty({ description: 'What is expected there' })
  expected!: string;
}

/** An RFC 9457 problem document. */
export class Problem {
  @ApiProperty({ format: 'uri-reference', example: '/problems/nonce_expired' })
  type!: string;

  @ApiProperty()
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599 })
  status!: number;

  @ApiProperty({
    description:
      'What programs read: a code keeps its meaning. Each answer names its own under `x-problem-codes`; take one that ' +
      'you do not know for what the status says, later releases have more',
    pattern: '^[a-z0-9_]+$',
    example: 'nonce_expired',
  })
  code!: string;

  @ApiProperty({ description: 'What to do now, in English or Japanese as Accept-Language asks' })
  detail!: string;

  @ApiProperty({ format: 'uri', description: 'Names this occurrence, for questions to the operator' })
  instance!: string;

  @ApiProperty({ required: false, type: [FormErrorAnswer], description: 'Which places have not the agreed form' })
  errors?: FormErrorAnswer[];
}

/** The member of a described answer that lists the codes which it can have. */
const PROBLEM_CODES = 'x-problem-codes';

/** What every operation can answer: a flood, a server that ends or whose store is away, an address or header fields
 * that it cannot read. */
const ALWAYS = [
  'too_many_requests',
  'internal_error',
  'shutting_down',
  'outcome_unknown',
  'not_accepting',
  'invalid_request',
  'uri_too_long',
  'headers_too_large',
] as const satisfies readonly ProblemCode[];

/** What every operation with a body can answer besides. */
const WITH_BODY = [
  'request_too_large',
  'unsupported_media_type',
  'request_timeout',
] as const satisfies readonly ProblemCode[];

/** Documents the problems that an operation can answer with, by status, and those that every one can. */
export function Problems(...codes: readonly ProblemCode[]): MethodDecorator {
  const responses = [...byStatus([...codes, ...ALWAYS])].map(([status, list]) =>
    ApiResponse(problemAnswer(status, list)),
  );
  return applyDecorators(ApiExtraModels(Problem), ...responses);
}

function byStatus(codes: readonly ProblemCode[]): Map<number, ProblemCode[]> {
  const found = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = PROBLEMS[code];
    found.set(status, [...(found.get(status) ?? []), code]);
  }
  return found;
}

/** The same for operations that need a role. */
export function SignedInProblems(...codes: readonly ProblemCode[]): MethodDecorator {
  return applyDecorators(
    ApiBearerAuth('accessToken'),
    Problems(
      ...codes,
      'unauthenticated',
      'forbidden',
      'roles_incompatible',
      'locked_out',
      'sign_in_not_configured',
      'sign_in_unavailable',
      'access_log_unavailable',
    ),
  );
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  required: false,
  description: 'The same key, person and body: carried out once',
  schema: { type: 'string' },
} as const;

/** Of an act of somebody who is signed in: the key under which it is carried out once. @param codes what it can answer
 *  besides what every such act can */
export function CarriedOutOnce(...codes: readonly ProblemCode[]): MethodDecorator {
  return applyDecorators(
    ApiHeader(IDEMPOTENCY_KEY),
    SignedInProblems(...codes, 'idempotency_key_reused', 'outcome_unknown'),
  );
}

/** Of an act that a body in JSON states. */
export function StatedIn(body: Type<object>, ...codes: readonly ProblemCode[]): MethodDecorator {
  return applyDecorators(
    ApiBody({ type: body }),
    CarriedOutOnce('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', ...codes),
  );
}

function text(name: string, pattern: string, description: string): MethodDecorator & ClassDecorator {
  return ApiHeader({ name, required: false, description, schema: { type: 'string', pattern } });
}

/** Documents the header fields by which a booth's questions for challenges are counted apart from those of its
 * address. */
export function QuestionHeaders(): MethodDecorator {
  return applyDecorators(
    text('Honnin-Booth-Id', '^[a-z0-9][a-z0-9-]{2,62}$', "The booth's id as in the body"),
    text('Honnin-Requested-At', SIGNED_INSTANT.source, "The booth's clock; ten minutes from the server's at most"),
    text(
      'Honnin-Booth-Signature',
      '^[A-Za-z0-9+/]{86}==$',
      "Base64 of the booth's Ed25519 signature over the text of a question for a challenge (docs/wire.md)",
    ),
  );
}

/** Documents the header fields that give an upload a place before its body is read. */
export function PlaceHeaders(): MethodDecorator {
  return applyDecorators(
    text(
      'Honnin-Booth-Id',
      '^[a-z0-9][a-z0-9-]{2,62}$',
      "The booth's id as in the body; with Honnin-Challenge it takes a place for the upload. Without both the upload shares the few places of everybody",
    ),
    text('Honnin-Challenge', '^[A-Za-z0-9_-]{16,128}$', 'The nonce as in the body'),
    text(
      'Honnin-Booth-Signature',
      '^[A-Za-z0-9+/]{86}==$',
      "Base64 of the booth's Ed25519 signature over the text of an upload place (docs/wire.md): takes one of the booths' own places, which no stranger can hold",
    ),
  );
}

/** The OpenAPI 3.1 document of every controller in the application. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Honnin')
    .setDescription(
      'Registers face photographs of My Number Card holders for administrative procedures. Every error is an RFC 9457 problem document with a stable `code`.',
    )
    .setVersion('1')
    .addServer('/')
    .addTag('Booth', 'For booths and for holders of a receipt')
    .addTag('Officers', 'For the people who decide on held cases and look into histories')
    .addTag('Administrators', 'For the people who run booths and policies')
    .addTag('Consumers', 'For programs of other systems that are told what is published')
    .addTag('Audit', 'For auditors, and for monitors that keep copies of checkpoints')
    .addTag('System', 'For the machines that watch this one')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'OpenID Connect access token with the roles claim',
      },
      'accessToken',
    )
    .build();
  const document = SwaggerModule.createDocument(app, config);
  // The decorators have no words for the parts of an upload.
  describeParts(document, '/v1/registrations', {
    request: 'application/json',
    certificate: 'application/pkix-cert',
    cardRecord: 'application/octet-stream',
    cardIssuerCertificate: 'application/octet-stream',
    photo: 'image/jpeg',
    ...Object.fromEntries([0, 1, 2, 3].map((i) => [`frame${i}`, 'image/jpeg'])),
  });
  describeParts(document, '/v1/photo-checks', { request: 'application/json', photo: 'image/jpeg' });
  closeBodies(document);
  describeBodies(document);
  oneChapterEach(document);
  return document;
}

/** What a body may hold is all that its description names: other members are refused. */
function closeBodies({ paths, components }: OpenAPIObject): void {
  const schemas = (components?.schemas ?? {}) as Readonly<Record<string, { additionalProperties?: unknown }>>;
  const close = (within: object, seen: Set<string>): void => {
    for (const [, name = ''] of JSON.stringify(within).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = schemas[name];
      if (schema === undefined || seen.has(name)) continue;
      seen.add(name);
      schema.additionalProperties ??= false;
      close(schema, seen);
    }
  };
  const seen = new Set<string>();
  for (const path of Object.values(paths)) close(path.post?.requestBody ?? {}, seen);
}

function describeParts(document: OpenAPIObject, path: string, types: Readonly<Record<string, string>>): void {
  const upload = document.paths[path]?.post?.requestBody;
  const form = upload && 'content' in upload ? upload.content['multipart/form-data'] : undefined;
  if (!form) return;
  form.encoding = Object.fromEntries(Object.entries(types).map(([part, contentType]) => [part, { contentType }]));
  const { properties = {} } = form.schema as { properties?: Record<string, object> };
  for (const [part, contentMediaType] of Object.entries(types)) {
    // Bytes as JSON Schema 2020-12 says it, and `format` for the generators that know files by that word alone.
    if (contentMediaType !== 'application/json')
      properties[part] = { type: 'string', format: 'binary', contentMediaType, ...properties[part] };
  }
}

/** One schema for every problem, and the codes beside it: clients that are made from this know one type of error, and
 *  go on where a later release has a code more. */
function problemAnswer(status: number, codes: readonly ProblemCode[]) {
  return {
    status,
    description: codes.map((each) => `\`${each}\`: ${PROBLEMS[each].title}`).join('; '),
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
    [PROBLEM_CODES]: [...codes],
  };
}

/** Adds what every operation with a body can answer to what it says already. */
function describeBodies({ paths }: OpenAPIObject): void {
  for (const { post } of Object.values(paths)) {
    if (!post) continue;
    for (const [status, codes] of byStatus(WITH_BODY)) {
      const said = codesOf(post.responses[status]);
      const { status: _, ...answer } = problemAnswer(status, [...new Set([...said, ...codes])]);
      post.responses[status] = answer;
    }
  }
}

function codesOf(response: unknown): readonly ProblemCode[] {
  return ((response ?? {}) as Partial<ReturnType<typeof problemAnswer>>)[PROBLEM_CODES] ?? [];
}

/** An operation stands in one chapter, the one that is nearest to it: a generator writes each chapter's operations into
 *  a class of its own, with the names of what they take. */
function oneChapterEach({ paths }: OpenAPIObject): void {
  for (const operation of Object.values(paths).flatMap(({ get, post }) => [get, post])) {
    if (operation?.tags !== undefined) operation.tags = operation.tags.slice(-1);
  }
}
