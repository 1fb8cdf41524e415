// Lengths, as people read them.

/** The largest of 1, 2, 5, 10, … that is at most `most`. */
export function roundFigure(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].find((digit) => digit * power <= most * (1 + 1e-9)) * power;
}

/** Micrometres, in the unit that suits them. */
export function length(micrometres) {
  const [value, unit] = micrometres >= 1000 ? [micrometres / 1000, 'mm']
    : micrometres >= 1 ? [micrometres, 'µm'] : [micrometres * 1000, 'nm'];
  return `${+value.toPrecision(3)} ${unit}`;
}

/**
 * A bar of a round length, at most `most` pixels of the screen long: its pixels and its text.
 * pixel: level-0 pixels a pixel of the screen; mpp: micrometres a level-0 pixel, or null.
 */
export function scaleBar(pixel, mpp, most) {
  const unit = pixel * (mpp ?? 1);
  const figure = roundFigure(most * unit);
  return { pixels: figure / unit, text: mpp === null ? `${figure} px` : length(figure) };
}

/** 10 × is 1 µm a pixel of the screen, as microscopes and scanners have it. */
export function magnification(pixel, mpp) {
  if (mpp === null) return `${+(100 / pixel).toPrecision(2)} %`;
  const times = 10 / (pixel * mpp);
  return `${times >= 10 ? Math.round(times) : +times.toPrecision(2)}×`;
}
