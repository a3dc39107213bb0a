/** How all pictures of a hold are looked at. `x` and `y` in pixels of the canvas. */
export interface Look {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
  /** In per cent. */
  readonly brightness: number;
}

const MARK_STEP = 120;

/** Draws a face with faint letters of who looks and when over it: a photograph of the screen tells whose it was. */
export function drawPicture(canvas: HTMLCanvasElement, bitmap: ImageBitmap, look: Look, person: string): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const { width, height } = canvas;
  const scale = Math.min(width / bitmap.width, height / bitmap.height) * look.zoom;
  const [drawnWidth, drawnHeight] = [bitmap.width * scale, bitmap.height * scale];
  context.clearRect(0, 0, width, height);
  context.filter = `brightness(${look.brightness}%)`;
  context.drawImage(
    bitmap,
    (width - drawnWidth) / 2 + look.x,
    (height - drawnHeight) / 2 + look.y,
    drawnWidth,
    drawnHeight,
  );
  context.filter = 'none';
  context.save();
  context.rotate(-Math.PI / 8);
  context.font = '14px sans-serif';
  context.fillStyle = 'rgb(255 255 255 / 28%)';
  context.strokeStyle = 'rgb(0 0 0 / 14%)';
  const mark = `${person} ${new Date().toISOString().slice(0, 16)}Z`;
  for (let y = 0; y < height * 1.6; y += MARK_STEP)
    for (let x = -height; x < width; x += MARK_STEP * 2) {
      context.strokeText(mark, x, y);
      context.fillText(mark, x, y);
    }
  context.restore();
}
