import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { StoredEvent } from '../../domain/event-envelope.js';
import type { LookGrounds, LookPurpose, ViewedImage } from '../../domain/access/access.events.js';
import { groundsOf, type Misfit } from '../../domain/access/look.js';
import type { MaterialFault } from '../../domain/registration/registration.js';
import type { Refusal } from '../../domain/refusal.js';
import { holdReviews, registrants, registrations } from '../decisions/aggregates.js';
import { registrantOwner } from '../case/case-material.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { CardRecordVerifier } from '../ports/outside/card-record-verifier.js';
import { ImageRenderer } from '../ports/registrant/image-renderer.js';
import { materialFault, stopForMaterial } from '../case/material-fault.js';
import { ImageVault } from '../ports/registrant/image-vault.js';
import { ReceivedMaterial } from '../door/received-material.js';
import { RegistrantGroup } from '../case/registrant-group.js';
import { AccessLog } from './access-log.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** An officer looks at a face. A command, because looking changes the record: it is stored before the picture is given
 * out. */
export class ViewImage {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly officer: string,
    readonly image: ViewedImage,
    readonly purpose: LookPurpose,
    /** The number of a request, an order or a file; a disclosure has one. */
    readonly reference: string | null,
    /** The face of a card is JPEG 2000, which no browser shows: `displayable` makes a PNG of it, `original` gives the
     * bytes from the card. */
    readonly format: 'displayable' | 'original',
  ) {}
}

/** Somebody asked for what the role does not allow. */
export class RecordAccessRefused {
  constructor(
    readonly commandId: string,
    readonly subject: string,
    readonly what: string,
    readonly reason: string,
  ) {}
}

export interface ViewedBytes {
  readonly bytes: Uint8Array;
  readonly contentType: 'image/jpeg' | 'image/jp2' | 'image/png';
  readonly grounds: LookGrounds;
}

@CommandHandler(ViewImage)
export class ViewImageHandler implements ICommandHandler<ViewImage, Outcome<ViewedBytes>> {
  private readonly received: ReceivedMaterial;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly access: AccessLog,
    private readonly vault: ImageVault,
    private readonly cardRecords: CardRecordVerifier,
    private readonly renderer: ImageRenderer,
    private readonly group: RegistrantGroup,
  ) {
    this.received = ReceivedMaterial.of(vault, aggregates);
  }

  async execute(look: ViewImage): Promise<Outcome<ViewedBytes>> {
    const { commandId, requestId, officer, image, purpose, reference, format } = look;
    const found = await this.locate(requestId, image);
    if (!found) return refused((await this.erasure(requestId, image)) ?? { code: 'not_found' });
    const held = groundsOf((await this.aggregates.load(holdReviews, requestId)).state, look);
    // What is erased shows nothing to anybody, whatever it was wanted for.
    if ('misfit' in held)
      return refused((await this.erasure(requestId, image)) ?? (await this.unfit(look, held.misfit)));
    const { grounds } = held;
    await this.access.record(
      { type: 'BiometricViewed', data: { officer, requestId, image, purpose, reference, grounds } },
      { commandId, actor: `officer:${officer}`, correlationId: requestId },
    );
    try {
      const bytes = await found.open();
      if (image !== 'card_face') return ok({ bytes, contentType: 'image/jpeg', grounds });
      return await this.cardFace(bytes, format, grounds);
    } catch (error) {
      const fault = materialFault(error, 'view');
      if (fault === null) throw error;
      return this.faulty(commandId, requestId, image, fault);
    }
  }

  /** Puts on record that somebody wanted to look for what the case gives no cause for. */
  private async unfit({ commandId, officer, image, purpose }: ViewImage, why: Misfit): Promise<Refusal> {
    const what = `GET /v1/cases/:requestId/images/${image}`;
    await this.access.record(
      { type: 'AccessRefused', data: { subject: officer, what, reason: `purpose_does_not_fit:${purpose}:${why}` } },
      { commandId, actor: `officer:${officer}`, correlationId: commandId },
    );
    return { code: 'purpose_does_not_fit', data: { purpose, why } };
  }

  /** What is not as it should be is shown to nobody, and stops its case. What was erased with its case or its
   * registrant is gone as it should be. */
  private async faulty(
    commandId: string,
    requestId: string,
    image: ViewedImage,
    fault: MaterialFault,
  ): Promise<Outcome<ViewedBytes>> {
    const erasure = fault.fault === 'missing' ? await this.erasure(requestId, image) : null;
    if (erasure !== null) return refused(erasure);
    await stopForMaterial(this.aggregates, { requestId, fault, commandId, actor: 'system:image-view' });
    return refused({ code: fault.fault === 'missing' ? 'material_missing' : 'material_differs' });
  }

  /** When a picture was erased and by which rule; null when it was not. */
  private async erasure(requestId: string, image: ViewedImage): Promise<Refusal | null> {
    const { state, stored } = await this.aggregates.load(registrations, requestId);
    if (image !== 'registered_face') {
      const end = state.stage === 'closed' && state.stop === null ? stored.at(-1) : undefined;
      return end ? erasedBy(end, 'case_ended') : null;
    }
    const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
    if (subjectKey === null) return null;
    const { stored: ofRegistrant } = await this.aggregates.load(registrants, subjectKey);
    const event = ofRegistrant.findLast(({ type }) => type === 'RegistrantErased');
    return event ? erasedBy(event, String(event.data['rule'])) : null;
  }

  private async cardFace(
    cardRecord: Uint8Array,
    format: ViewImage['format'],
    grounds: LookGrounds,
  ): Promise<Outcome<ViewedBytes>> {
    const face = this.cardRecords.faceImageOf(cardRecord);
    if (face === null) return refused({ code: 'not_found' });
    if (format === 'original') return ok({ bytes: face, contentType: 'image/jp2', grounds });
    const png = await this.renderer.renderPng(face);
    return png ? ok({ bytes: png, contentType: 'image/png', grounds }) : refused({ code: 'not_found' });
  }

  private async locate(
    requestId: string,
    image: ViewedImage,
  ): Promise<{ readonly open: () => Promise<Uint8Array> } | null> {
    const { state, stored } = await this.aggregates.load(registrations, requestId);
    if (state.stage === 'none') return null;
    const { request } = state;
    if (image !== 'registered_face') {
      const blob = image === 'photo' ? 'photo' : 'cardRecord';
      return { open: async () => (await this.received.open(request, [blob])).bytes[blob] };
    }
    const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
    if (subjectKey === null) return null;
    const references = await this.group.references(subjectKey);
    // Where a person has two, people see the one that the photograph was compared with.
    const reference = references.find(({ image: { imageId } }) => imageId === comparedImage(stored)) ?? references[0];
    return reference
      ? {
          open: () =>
            this.vault.open(registrantOwner(reference.subjectKey), reference.image.imageId, {
              commitment: reference.image.image,
            }),
        }
      : null;
  }
}

function erasedBy({ metadata }: StoredEvent, rule: string): Refusal {
  return { code: 'image_erased', data: { erasedAtUtc: metadata.recordedAtUtc, rule } };
}

/** Id of the registered image that the newest comparison used, or null. */
function comparedImage(stored: readonly StoredEvent[]): string | null {
  const registered = stored.findLast(({ data }) => 'registered' in data)?.data['registered'] as
    { readonly imageId?: string } | undefined;
  return registered?.imageId ?? null;
}

@CommandHandler(RecordAccessRefused)
export class RecordAccessRefusedHandler implements ICommandHandler<RecordAccessRefused, void> {
  constructor(private readonly access: AccessLog) {}

  async execute({ commandId, subject, what, reason }: RecordAccessRefused): Promise<void> {
    await this.access.record(
      { type: 'AccessRefused', data: { subject, what, reason } },
      { commandId, actor: `officer:${subject}`, correlationId: commandId },
    );
  }
}
