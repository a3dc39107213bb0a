import type { AsyncApiOptions } from './asyncapi.js';

/** What the AsyncAPI document says of this installation: names of topics, source, content mode. */
export abstract class AsyncApiSettings {
  abstract readonly options: AsyncApiOptions;
}
