import { Module, type DynamicModule } from '@nestjs/common';
import { PublicationController } from './publication.controller.js';
import { PublicationMetrics } from './publication.metrics.js';
import { PublishedEventsController } from './published-events.controller.js';

/** The contract of published events and the measurements of publication. */
@Module({})
export class PublicationApiModule {
  /** @param imports modules that export `Metrics`, `EventStreams`, `EdgeLimits`, `PublishedFacts`, `PublicationLag` and
   *   `PublicationRelay`; `AsyncApiSettings` and
   *   `PublicationDirectory` are global */
  static register({ imports }: { readonly imports: NonNullable<DynamicModule['imports']> }): DynamicModule {
    return {
      module: PublicationApiModule,
      imports,
      controllers: [PublicationController, PublishedEventsController],
      providers: [PublicationMetrics],
    };
  }
}
