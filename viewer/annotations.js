// Outlines over the slide. The server knows all of them; the page holds those in view, as fine as can be seen.

const kSettled = 120;  // ms without movement before outlines are asked for
const kMargin = 0.25;  // of the view, on each side, so that a small move shows no gap

export class Outlines {
  /** `view()`: level-0 pixels of the view's corner, size, and a screen pixel. */
  constructor(canvas, view, report) {
    this.canvas = canvas;
    this.view = view;
    this.report = report;
    this.layers = [];
    this.opacity = 1;
  }

  /** layers: [{url, classes: [{colour, shown}], shown}]; those of a slide. */
  show(layers) {
    this.layers = layers;
    for (const layer of layers) layer.seen = null;
    this.changed();
  }

  /** To be called with every frame; many show the same view, while tiles come in. */
  moved() {
    const { x, y, pixel } = this.view();
    const place = `${x} ${y} ${pixel} ${this.canvas.clientWidth} ${this.canvas.clientHeight}`;
    if (place === this.place) return;
    this.place = place;
    this.changed();
  }

  /** What is shown has changed, or where. */
  changed() {
    this.draw();
    this.fetchSoon();
  }

  fetchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.layers.forEach((layer) => this.fetch(layer)), kSettled);
  }

  async fetch(layer) {
    if (!layer.shown || layer.classes.length === 0) return;
    const { x, y, width, height, pixel } = this.view();
    const dx = width * kMargin, dy = height * kMargin;
    const numbers = [x - dx, y - dy, width + 2 * dx, height + 2 * dy, pixel].map((v) => +v.toPrecision(9));
    const address = `${layer.url}/${numbers.join('_')}.json`;
    if (layer.address === address && layer.seen) return;
    layer.address = address;
    layer.request?.abort();
    layer.request = new AbortController();
    try {
      const reply = await fetch(address, { signal: layer.request.signal });
      if (!reply.ok) throw new Error((await reply.text()).trim());
      const seen = await reply.json();
      for (const area of seen.areas) area.path = pathOf(area);
      layer.seen = seen;
      this.draw();
    } catch (error) {
      if (error.name !== 'AbortError') this.report(error.message);
    }
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const { x, y, pixel } = this.view();
    if (!(pixel > 0)) return;
    const scale = ratio / pixel;
    context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
    context.lineJoin = 'round';
    for (const layer of this.layers) {
      if (layer.shown && layer.seen) this.drawLayer(context, layer, pixel);
    }
  }

  drawLayer(context, layer, pixel) {
    context.lineWidth = 1.75 * pixel;
    for (const area of layer.seen.areas) {
      const { colour, shown } = layer.classes[area[0]];
      if (!shown) continue;
      context.fillStyle = context.strokeStyle = colour;
      context.globalAlpha = 0.16 * layer.opacity;
      context.fill(area.path, 'evenodd');
      context.globalAlpha = layer.opacity;
      context.stroke(area.path);
    }
    context.globalAlpha = layer.opacity;
    layer.seen.dots.forEach((dots, c) => {
      if (!layer.classes[c].shown) return;
      context.fillStyle = layer.classes[c].colour;
      for (let i = 0; i < dots.length; i += 2) {
        context.fillRect(dots[i] - pixel, dots[i + 1] - pixel, 2 * pixel, 2 * pixel);
      }
    });
  }

  /** The topmost shown area around a point in level-0 pixels: its class and name. */
  at(x, y) {
    const context = this.canvas.getContext('2d');
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    let found = null;
    for (const layer of this.layers) {
      if (!layer.shown || !layer.seen) continue;
      for (const area of layer.seen.areas) {
        const of = layer.classes[area[0]];
        const { box } = area.path;
        if (of.shown && x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] &&
            context.isPointInPath(area.path, x, y, 'evenodd')) {
          found = { colour: of.colour, text: [of.name, area[1]].filter(Boolean).join(': ') };
        }
      }
    }
    context.restore();
    return found;
  }
}

/** [class, name, ring, hole, …], rings as x, y, x, y, … */
function pathOf(area) {
  const path = new Path2D();
  path.box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let r = 2; r < area.length; ++r) {
    const ring = area[r];
    path.moveTo(ring[0], ring[1]);
    for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
    path.closePath();
  }
  const outer = area[2];
  for (let i = 0; i < outer.length; i += 2) {
    path.box[0] = Math.min(path.box[0], outer[i]);
    path.box[1] = Math.min(path.box[1], outer[i + 1]);
    path.box[2] = Math.max(path.box[2], outer[i]);
    path.box[3] = Math.max(path.box[3], outer[i + 1]);
  }
  area.length = 2;  // the path has the points
  return path;
}
