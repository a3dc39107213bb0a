import type { Json, JsonObject } from '../../domain/event-envelope.js';

const STYLE = `body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #767676}h3{margin-bottom:.2rem;font-size:1.05rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f3f3f3;padding:.8rem;overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}`;

/** The AsyncAPI document as a page for people: channels, then each message with its fields and an example. No
 * scripts. */
export function contractPage(document: JsonObject): string {
  const channels = members(at(document, 'channels'));
  const messages = members(at(document, 'components', 'messages'));
  const schemas = at(document, 'components', 'schemas') as JsonObject;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(at(document, 'info', 'title'))}</title><style>${STYLE}</style></head><body>
<h1>${text(at(document, 'info', 'title'))}</h1>
<p>${prose(at(document, 'info', 'description'))}</p>
<p>For programs: <a href="asyncapi.json">asyncapi.json</a> (AsyncAPI ${text(document['asyncapi'])}).</p>
<h2>Topics</h2>
<table><thead><tr><th scope="col">Topic</th><th scope="col">What it is</th><th scope="col">Messages</th></tr></thead><tbody>
${channels
  .map(
    ([, channel]) =>
      `<tr><td><code>${text(channel['address'])}</code></td><td>${prose(channel['description'])}</td><td>${members(
        channel['messages'],
      )
        .map(([type]) => `<a href="#${text(type)}">${text(type)}</a>`)
        .join('<br>')}</td></tr>`,
  )
  .join('\n')}
</tbody></table>
<h2>Messages</h2>
${messages.map(([type, message]) => messageSection(type, message, schemas[type] as JsonObject)).join('\n')}
</body></html>
`;
}

function messageSection(type: string, message: JsonObject, schema: JsonObject): string {
  const required = (schema['required'] ?? []) as readonly string[];
  const [example] = (message['examples'] ?? []) as readonly JsonObject[];
  return `<h3 id="${text(type)}"><code>${text(type)}</code></h3>
<p>${prose(schema['description'])}</p>
<table><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>
${members(schema['properties'])
  .map(
    ([name, field]) =>
      `<tr><td><code>${text(name)}</code>${required.includes(name) ? '' : ' (optional)'}</td><td>${text(typeOf(field))}</td><td>${prose(field['description'] ?? '')}</td></tr>`,
  )
  .join('\n')}
</tbody></table>
<details><summary>Example</summary><pre>${text(JSON.stringify(example, null, 2))}</pre></details>`;
}

function typeOf(field: JsonObject): string {
  if (Array.isArray(field['enum'])) return field['enum'].join(' | ');
  return [field['type'], field['format']].filter((part) => part !== undefined).join(', ');
}

function at(value: Json, ...path: readonly string[]): Json {
  return path.reduce<Json>((inner, name) => (inner as JsonObject)[name] ?? null, value);
}

function members(value: Json | undefined): [string, JsonObject][] {
  return Object.entries((value ?? {}) as JsonObject) as [string, JsonObject][];
}

/** A description: what stands between backticks is code. */
function prose(value: Json | undefined): string {
  return text(value).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function text(value: Json | undefined): string {
  return String(value ?? '').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
