import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OpenCases, type WaitingCases } from '../ports/store/open-cases.js';
import { ReadSideBehindError } from '../queries/questions.js';
import { AccessLog } from './access-log.js';

/** Cases that wait for an administrator: stopped ones, and steps that were given up on. A look: it names cases. */
export class ViewWaitingCases {
  constructor(
    readonly commandId: string,
    readonly by: string,
  ) {}
}

@CommandHandler(ViewWaitingCases)
export class ViewWaitingCasesHandler implements ICommandHandler<ViewWaitingCases, WaitingCases> {
  constructor(
    private readonly access: AccessLog,
    private readonly cases: OpenCases,
  ) {}

  /** @throws {ReadSideBehindError} while the rows are being built: nobody says "none" then */
  async execute({ commandId, by }: ViewWaitingCases): Promise<WaitingCases> {
    const data = { by, what: 'waiting_cases', requestId: null, query: '{}' } as const;
    await this.access.record(
      { type: 'RecordsViewed', data },
      { commandId, actor: `officer:${by}`, correlationId: commandId },
    );
    const waiting = this.cases.waiting();
    if (waiting === null) throw new ReadSideBehindError();
    return waiting;
  }
}
