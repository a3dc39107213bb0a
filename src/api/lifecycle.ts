import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Knows when the server is on its way out: new requests are asked to come back, and open streams end, before the port
 * closes. */
@Injectable()
export class Lifecycle implements OnModuleDestroy {
  private readonly controller = new AbortController();

  get closing(): AbortSignal {
    return this.controller.signal;
  }

  onModuleDestroy(): void {
    this.controller.abort();
  }
}
