import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, problemOf, reached } from '../api/client.js';
import { language, words } from '../language/language.js';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { session } from '../session/session-state.js';
import { drawPicture, type Look } from './draw-picture.js';

export type PictureName = 'photo' | 'card_face' | 'registered_face';

const START: Look = { zoom: 1, x: 0, y: 0, brightness: 100 };
const FLICKER_MS = 600;

interface PicturesProps {
  readonly requestId: string;
  readonly wanted: readonly PictureName[];
  readonly seen: ReadonlySet<PictureName>;
  readonly onSeen: (name: PictureName) => void;
}

/** The faces side by side. Nothing is asked for before the officer says that it is for this review: that goes on record
 * first. Zoom, place and brightness are linked. */
export function Pictures({ requestId, wanted, seen, onSeen }: PicturesProps) {
  const t = words.value.hold;
  const [isAllowed, allow] = useState(false);
  const [look, setLook] = useState<Look>(START);
  const [isFlickering, setFlickering] = useState(false);
  const change = (changes: Partial<Look>): void => setLook((before) => ({ ...before, ...changes }));
  return (
    <section aria-label={t.images.photo} class="pictures">
      {!isAllowed && (
        <p class="purpose">
          {t.purpose}{' '}
          <button type="button" class="button" onClick={() => allow(true)}>
            {t.purposeButton}
          </button>
        </p>
      )}
      <div class="side-by-side">
        {wanted.map((name) => (
          <Picture
            key={name}
            requestId={requestId}
            name={name}
            isAllowed={isAllowed}
            look={look}
            onMove={(x, y) => setLook((before) => ({ ...before, x: before.x + x, y: before.y + y }))}
            onSeen={onSeen}
          />
        ))}
        {!wanted.includes('registered_face') && <p class="none">{t.noRegistered}</p>}
      </div>
      {isAllowed && (
        <div class="tools">
          <p role="status">{t.viewed(seen.size, wanted.length)}</p>
          <label>
            {t.tools.zoom}{' '}
            <input
              type="range"
              min="1"
              max="6"
              step="0.1"
              value={look.zoom}
              onInput={(event) => change({ zoom: Number(event.currentTarget.value) })}
            />
          </label>
          <label>
            {t.tools.brightness}{' '}
            <input
              type="range"
              min="50"
              max="250"
              value={look.brightness}
              onInput={(event) => change({ brightness: Number(event.currentTarget.value) })}
            />
          </label>
          <label>
            <input
              type="checkbox"
              checked={isFlickering}
              onChange={(event) => setFlickering(event.currentTarget.checked)}
            />{' '}
            {t.tools.flicker}
          </label>
          <button type="button" onClick={() => setLook(START)}>
            {t.tools.reset}
          </button>
        </div>
      )}
      {isFlickering && <Flicker look={look} />}
    </section>
  );
}

interface PictureProps {
  readonly requestId: string;
  readonly name: PictureName;
  readonly isAllowed: boolean;
  readonly look: Look;
  readonly onMove: (x: number, y: number) => void;
  readonly onSeen: (name: PictureName) => void;
}

function Picture({ requestId, name, isAllowed, look, onMove, onSeen }: PictureProps) {
  const title = words.value.hold.images[name];
  const canvas = useRef<HTMLCanvasElement>(null);
  const [bitmap, setBitmap] = useState<ImageBitmap | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = useCallback(async (): Promise<void> => {
    setProblem(null);
    try {
      setBitmap(await pictureOf(requestId, name));
      onSeen(name);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  }, [requestId, name]);
  useEffect(() => {
    if (isAllowed) void load();
  }, [isAllowed, load]);
  // Nothing of a face stays in memory when the page is left.
  useEffect(() => () => bitmap?.close(), [bitmap]);
  const person = session.value.is === 'signed_in' || session.value.is === 'ended' ? session.value.person.subject : '';
  useEffect(() => {
    if (canvas.current && bitmap) drawPicture(canvas.current, bitmap, look, person);
  }, [bitmap, look, person]);
  return (
    <figure>
      {problem ? (
        <ProblemNotice problem={problem} again={() => void load()} />
      ) : (
        <canvas
          ref={canvas}
          width="360"
          height="440"
          role="img"
          aria-label={title}
          data-picture={name}
          data-drawn={bitmap ? 'yes' : 'no'}
          onPointerMove={(event) => {
            if (event.buttons === 1) onMove(event.movementX, event.movementY);
          }}
        />
      )}
      <figcaption>{title}</figcaption>
    </figure>
  );
}

/** Photograph and card in one place, one after the other: eyes see what moves. Not for who asked for less motion. */
function Flicker({ look }: { readonly look: Look }) {
  const place = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const shown = [...document.querySelectorAll<HTMLCanvasElement>('canvas[data-drawn="yes"]')].slice(0, 2);
    let turn = 0;
    const timer = setInterval(() => {
      const from = shown[(turn += 1) % Math.max(1, shown.length)];
      if (from) place.current?.getContext('2d')?.drawImage(from, 0, 0);
    }, FLICKER_MS);
    return () => clearInterval(timer);
  }, [look]);
  return <canvas ref={place} width="360" height="440" role="img" aria-label={words.value.hold.tools.flicker} />;
}

async function pictureOf(requestId: string, name: PictureName): Promise<ImageBitmap> {
  const answer = await reached(
    fetch(`/v1/cases/${requestId}/images/${name}?purpose=hold_review`, {
      cache: 'no-store',
      headers: { 'accept-language': language.value },
    }),
  );
  if (!answer.ok) throw problemOf(await answer.json().catch(() => null), answer.status);
  return createImageBitmap(await answer.blob());
}
