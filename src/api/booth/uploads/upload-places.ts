import { ProblemError } from '../../contract/problems.js';
import { UploadPace, type PaceLimits } from './upload-pace.js';

export interface PlacesLimits {
  /** Uploads at the same time. */
  readonly placesMax: number;
  readonly perHolderMax: number;
  /** More than one, because a booth repeats before the server has noticed that its first connection is gone. */
  readonly perChallengeMax: number;
  /** Bytes of bodies that all of them together may hold in memory. */
  readonly bytesMax: number;
  /** What all of them together may send, so that a fast line does not keep the server from its work. */
  readonly bytesPerSecondMax: number;
  readonly pace: PaceLimits;
}

export interface Holder {
  /** Whom places are counted by: an address, or a booth that has proved itself. */
  readonly name: string;
  /** The challenge that was shown, or null. */
  readonly challenge: string | null;
}

/** So long an upload never has to give way to another. */
const SAFE_SECONDS = 2;
const SECOND_MS = 1000;
const WAIT_SECONDS = 2;
/** What may come at once after a silence, as time at the full rate. */
const BURST_MS = 250;

/** A number of places for uploads that are read into memory. Where they are full, the newcomer does not simply wait: of
 * those who hold most the slowest upload gives way, so whoever wants to keep others out has to send faster than they
 * do. Where the bytes are over their bound, the largest upload of the holder with most bytes goes. */
export class UploadPlaces {
  private readonly taken = new Set<UploadPlace>();
  private paidUntilMs = 0;

  constructor(
    private readonly limits: PlacesLimits,
    private readonly tell: (places: number) => void = () => {},
  ) {}

  /** @throws {ProblemError} `uploads_under_way` when this holder or this challenge has its places, `too_many_uploads`
   *   when nobody gives way. */
  take(holder: Holder): UploadPlace {
    const { placesMax, perHolderMax, perChallengeMax } = this.limits;
    const ofChallenge =
      holder.challenge === null ? [] : this.where((place) => place.holder.challenge === holder.challenge);
    if (ofChallenge.length >= perChallengeMax) this.makeRoom(ofChallenge, 'uploads_under_way');
    const own = this.where((place) => place.holder.name === holder.name);
    if (own.length >= perHolderMax) this.makeRoom(own, 'uploads_under_way');
    if (this.taken.size >= placesMax)
      this.makeRoom(
        this.ofLargest(() => 1),
        'too_many_uploads',
      );
    const place = new UploadPlace(holder, this.limits.pace, {
      grown: (to) => this.bound(to),
      turn: (bytes) => this.turn(bytes),
      released: (it) => this.forget(it),
    });
    this.taken.add(place);
    this.tell(this.taken.size);
    return place;
  }

  get size(): number {
    return this.taken.size;
  }

  /** Bytes of bodies that are held. */
  get bytes(): number {
    let sum = 0;
    for (const place of this.taken) sum += place.bytes;
    return sum;
  }

  /** @throws {ProblemError} when none of them has had its time. */
  private makeRoom(among: readonly UploadPlace[], otherwise: 'uploads_under_way' | 'too_many_uploads'): void {
    const slow = among.filter((place) => place.isArriving && place.pace.seconds >= SAFE_SECONDS);
    const victim = slow.reduce<UploadPlace | null>(
      (slowest, place) => (slowest === null || place.pace.speed < slowest.pace.speed ? place : slowest),
      null,
    );
    if (victim === null) throw new ProblemError(otherwise, { retryAfterSeconds: WAIT_SECONDS });
    victim.end(new ProblemError('too_many_uploads', { retryAfterSeconds: WAIT_SECONDS }));
  }

  private bound(grown: UploadPlace): void {
    if (this.bytes <= this.limits.bytesMax) return;
    const largest = this.ofLargest((place) => place.bytes);
    const victim = largest.reduce((most, place) => (place.bytes > most.bytes ? place : most), largest[0] ?? grown);
    victim.end(new ProblemError('too_many_uploads', { retryAfterSeconds: WAIT_SECONDS }));
  }

  /** Resolves when these bytes may have come in. Whoever waits for it reads no further, and so does the line. */
  private async turn(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.paidUntilMs = Math.max(nowMs, this.paidUntilMs) + (bytes / this.limits.bytesPerSecondMax) * SECOND_MS;
    const waitMs = this.paidUntilMs - nowMs - BURST_MS;
    if (waitMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
  }

  /** All places of the holders with most. */
  private ofLargest(weight: (place: UploadPlace) => number): readonly UploadPlace[] {
    const sums = new Map<string, number>();
    for (const place of this.taken)
      if (place.isArriving) sums.set(place.holder.name, (sums.get(place.holder.name) ?? 0) + weight(place));
    const most = Math.max(0, ...sums.values());
    return this.where((place) => place.isArriving && sums.get(place.holder.name) === most);
  }

  private where(wanted: (place: UploadPlace) => boolean): readonly UploadPlace[] {
    return [...this.taken].filter(wanted);
  }

  private forget(place: UploadPlace): void {
    if (this.taken.delete(place)) this.tell(this.taken.size);
  }
}

/** One upload's place, until `release`. */
export class UploadPlace {
  readonly pace: UploadPace;
  bytes = 0;
  private hasArrived = false;
  private readonly ending = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    readonly holder: Holder,
    pace: PaceLimits,
    private readonly pool: {
      grown(place: UploadPlace): void;
      turn(bytes: number): Promise<void>;
      released(place: UploadPlace): void;
    },
  ) {
    this.pace = new UploadPace(pace);
    this.timer = setInterval(() => this.tick(), SECOND_MS).unref();
  }

  /** Aborted with a `ProblemError` as its reason when the upload must end. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  get isArriving(): boolean {
    return !this.hasArrived && !this.signal.aborted;
  }

  /** Bytes of the body that came in and are held from now on. */
  count(bytes: number): void {
    if (!this.isArriving) return;
    this.bytes += bytes;
    this.pace.count(bytes);
    this.pool.grown(this);
  }

  /** Waits until so many bytes more may come. */
  turn(bytes: number): Promise<void> {
    return this.pool.turn(bytes);
  }

  /** The body is here: the line is no longer judged, and nobody takes the place away. */
  arrived(): void {
    this.hasArrived = true;
    clearInterval(this.timer);
  }

  end(reason: ProblemError): void {
    this.ending.abort(reason);
    this.release();
  }

  release(): void {
    clearInterval(this.timer);
    this.bytes = 0;
    this.pool.released(this);
  }

  private tick(): void {
    const fault = this.pace.tick();
    if (fault === null) return;
    this.end(
      new ProblemError(fault === 'too_slow' ? 'upload_too_slow' : 'request_timeout', {
        retryAfterSeconds: WAIT_SECONDS,
      }),
    );
  }
}
