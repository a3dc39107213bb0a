import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { HeadTurn } from '../../domain/values/face-comparison.js';
import { addMs } from '../../domain/values/instant.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { Clock } from '../ports/store/clock.js';
import { Secrets } from '../ports/registrant/secrets.js';

export interface Challenge {
  readonly nonce: string;
  readonly expiresAtUtc: string;
  /** How the person turns the head after the photograph, for booths that send further frames. */
  readonly prompt: HeadTurn;
}

const RANDOM_BYTES = 16;
const TIME_BYTES = 6;
const MAC_BYTES = 16;

/** Makes and checks nonces that carry their own expiry under our key: nothing is stored for a challenge that is never
 * used. A used one is remembered in the event store, which is what makes it single-use. */
@Injectable()
export class Challenges {
  constructor(private readonly secrets: Secrets) {}

  make(boothId: string, expiresAtUtc: string): string {
    const body = Buffer.alloc(RANDOM_BYTES + TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(body);
    body.writeUIntBE(Date.parse(expiresAtUtc), RANDOM_BYTES, TIME_BYTES);
    return Buffer.concat([body, this.mac(boothId, body)]).toString('base64url');
  }

  /** @returns when the nonce expires, or null when it is not one that we made for this booth. */
  expiryOf(boothId: string, nonce: string): string | null {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== RANDOM_BYTES + TIME_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return null;
    const body = bytes.subarray(0, RANDOM_BYTES + TIME_BYTES);
    if (!timingSafeEqual(this.mac(boothId, body), bytes.subarray(RANDOM_BYTES + TIME_BYTES))) return null;
    return new Date(body.readUIntBE(RANDOM_BYTES, TIME_BYTES)).toISOString();
  }

  /** The turn of the head that goes with a nonce. Under our key: nobody else can tell it before the nonce is given out,
   * or choose it, and it needs no storage. */
  promptOf(boothId: string, nonce: string): HeadTurn {
    const [byte = 0] = this.secrets.keyedHash('challenge-prompt', Buffer.from(JSON.stringify([boothId, nonce])));
    return byte % 2 === 0 ? 'turn-left' : 'turn-right';
  }

  private mac(boothId: string, body: Buffer): Buffer {
    return Buffer.from(this.secrets.keyedHash('challenge', Buffer.concat([body, Buffer.from(boothId)]))).subarray(
      0,
      MAC_BYTES,
    );
  }
}

/** A booth asks for a nonce at the start of a card session. */
export class IssueChallenge {
  constructor(readonly boothId: string) {}
}

@CommandHandler(IssueChallenge)
export class IssueChallengeHandler implements ICommandHandler<IssueChallenge, Challenge> {
  constructor(
    private readonly challenges: Challenges,
    private readonly policy: CurrentPolicy,
    private readonly clock: Clock,
  ) {}

  async execute({ boothId }: IssueChallenge): Promise<Challenge> {
    const { values } = await this.policy.get();
    const expiresAtUtc = addMs(this.clock.nowUtc(), values.challengeLifetimeSeconds * 1000);
    const nonce = this.challenges.make(boothId, expiresAtUtc);
    return { nonce, expiresAtUtc, prompt: this.challenges.promptOf(boothId, nonce) };
  }
}
