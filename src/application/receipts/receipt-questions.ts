import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ReceiptPromises, type ReceiptProof } from './receipt-promises.js';

/** The promise that goes with the answer to a request. */
export class PromiseOfRequest {
  constructor(readonly requestId: string) {}
}

/** Promise and proof for whoever holds the receipt of this request. */
export class ProveReceipt {
  constructor(readonly requestId: string) {}
}

@QueryHandler(PromiseOfRequest)
export class PromiseOfRequestHandler implements IQueryHandler<PromiseOfRequest, string | null> {
  constructor(private readonly promises: ReceiptPromises) {}

  async execute({ requestId }: PromiseOfRequest): Promise<string | null> {
    return this.promises.promiseOf(requestId);
  }
}

@QueryHandler(ProveReceipt)
export class ProveReceiptHandler implements IQueryHandler<ProveReceipt, ReceiptProof | null> {
  constructor(private readonly promises: ReceiptPromises) {}

  async execute({ requestId }: ProveReceipt): Promise<ReceiptProof | null> {
    return this.promises.proofOf(requestId);
  }
}
