import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { LightMyRequestResponse } from 'fastify';

interface Described {
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly responses: Record<
          string,
          {
            readonly content?: Record<string, { readonly schema?: object }>;
            readonly 'x-problem-codes'?: readonly string[];
          }
        >;
      }
    >
  >;
  readonly components: Record<string, Record<string, unknown>>;
}

/** Holds answers against the OpenAPI document, with a JSON Schema 2020-12 validator that nobody here wrote. */
export class AnswerSchemas {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(private readonly document: Described) {
    (formats as unknown as (ajv: Ajv2020) => void)(this.ajv);
    this.ajv.addSchema({ $id: 'openapi:document', ...(document as object) });
  }

  /** Compiles every named schema. @returns how many @throws when one is not a schema */
  compileAll(): number {
    const names = Object.keys(this.document.components['schemas'] ?? {});
    for (const name of names) this.ajv.compile({ $ref: `openapi:document#/components/schemas/${name}` });
    return names.length;
  }

  /** What is wrong with an answer: a status or content type that is not described, or a body that is not as
   * described. */
  mistakes(method: string, url: string, answer: LightMyRequestResponse): readonly string[] {
    const path = new URL(url, 'http://x').pathname;
    const route = Object.keys(this.document.paths)
      .sort((a, b) => b.length - a.length)
      .find((r) => new RegExp(`^${r.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path));
    if (route === undefined) return [`no route for ${path}`];
    const response = this.document.paths[route]?.[method.toLowerCase()]?.responses[String(answer.statusCode)];
    const content = response?.content;
    if (!content)
      return answer.body === ''
        ? []
        : [`${method} ${route} does not say that it answers ${answer.statusCode}: ${answer.body.slice(0, 200)}`];
    const type = String(answer.headers['content-type']).split(';')[0] as string;
    if (!(type in content)) return [`${method} ${route} does not say that it answers ${type}`];
    if (!content[type]?.schema) return [];
    const code = type === 'application/problem+json' ? answer.json<{ code: string }>().code : null;
    if (code !== null && !response?.['x-problem-codes']?.includes(code))
      return [`${method} ${route} does not say that it answers ${answer.statusCode} with ${code}`];
    const validate = this.ajv.compile({
      $ref: `openapi:document#/paths/${[route, method.toLowerCase(), 'responses', String(answer.statusCode), 'content', type, 'schema'].map(pointerPart).join('/')}`,
    });
    return validate(type.endsWith('json') ? answer.json() : answer.body)
      ? []
      : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
  }
}

function pointerPart(text: string): string {
  return encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
}
