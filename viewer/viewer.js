// The page of `swath view`: OpenSeadragon shows the slide and its maps, a canvas the annotations.
import { Outlines } from './annotations.js';
import { LayersPanel, chip, element } from './layers.js';
import { length, magnification, scaleBar } from './scale.js';

const OpenSeadragon = window.OpenSeadragon;
const at = (id) => document.getElementById(id);
const kNarrow = 760;
const kStep = 0.2;  // of the view, by an arrow

// OpenSeadragon would write a style into the page where it finds no such element. The page's policy forbids that;
// viewer.css has what is in it.
document.head.append(element('style', { dataset: { openseadragonMobileCss: 'true' } }));

const viewer = OpenSeadragon({
  element: at('stage'),
  drawer: 'canvas',
  showNavigationControl: false,
  showNavigator: true,
  navigatorPosition: 'BOTTOM_RIGHT',
  navigatorSizeRatio: 0.16,
  navigatorMaintainSizeRatio: true,
  navigatorOpacity: 1,
  navigatorDisplayRegionColor: '#0b62b0',
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  animationTime: 0.4,
  springStiffness: 9,
  visibilityRatio: 0.3,
  minZoomImageRatio: 0.6,
  maxZoomPixelRatio: 8,
  imageLoaderLimit: 6,
  maxImageCacheCount: 600,
  timeout: 120000,
});
viewer.navigator?.element.classList.add('navigator');

viewer.canvas.append(at('outlines'));  // above the slide, below the navigator

const state = { names: [], index: -1, slide: null, maps: [], loading: 0 };
const outlines = new Outlines(at('outlines'), view, notice);
const panel = new LayersPanel(at('layers'), layerChanged);

function notice(text) {
  const shown = [...at('notices').children];
  if (shown.some((n) => n.dataset.text === text) || shown.length >= 4) return;
  const box = element('div', { className: 'notice', dataset: { text } }, element('span', { textContent: text }));
  const close = element('button', { type: 'button', textContent: '×', ariaLabel: 'Close' });
  close.addEventListener('click', () => box.remove());
  box.append(close);
  at('notices').append(box);
}

async function get(address) {
  const reply = await fetch(address);
  if (!reply.ok) throw new Error((await reply.text()).trim());
  return reply.json();
}

// ---- where we are ----

const slideItem = () => viewer.world.getItemAt(0);

/** In level-0 pixels: the view's corner, its size, and a pixel of the screen. */
function view() {
  const item = slideItem();
  if (!item) return { x: 0, y: 0, width: 0, height: 0, pixel: 0 };
  const bounds = item.viewportToImageRectangle(viewer.viewport.getBounds(true));
  return { x: bounds.x, y: bounds.y, width: bounds.width, height: bounds.height,
    pixel: bounds.width / viewer.viewport.getContainerSize().x };
}

function mpp() {
  const { mppX, mppY } = state.slide;
  return mppX === null || mppY === null ? null : (mppX + mppY) / 2;
}

function goTo({ x, y, pixel }, immediately) {
  const item = slideItem();
  const size = viewer.viewport.getContainerSize();
  const rectangle = new OpenSeadragon.Rect(x - size.x * pixel / 2, y - size.y * pixel / 2, size.x * pixel, size.y * pixel);
  viewer.viewport.fitBounds(item.imageToViewportRectangle(rectangle), immediately);
}

/** "#slide=2&x=100&y=200&pixel=4": the view's centre. */
function readFragment() {
  const values = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (values.has(name) && Number.isFinite(+values.get(name)) ? +values.get(name) : null);
  return { slide: number('slide'), x: number('x'), y: number('y'), pixel: number('pixel') };
}

let fragmentTimer;
function writeFragment() {
  clearTimeout(fragmentTimer);
  fragmentTimer = setTimeout(() => {
    if (!slideItem()) return;
    const { x, y, width, height, pixel } = view();
    history.replaceState(null, '', `#slide=${state.index}&x=${Math.round(x + width / 2)}` +
      `&y=${Math.round(y + height / 2)}&pixel=${+pixel.toPrecision(4)}`);
  }, 250);
}

function showScale() {
  if (!slideItem() || !state.slide) return;
  const { pixel } = view();
  const bar = scaleBar(pixel, mpp(), Math.min(180, at('stage').clientWidth / 3));
  at('scale-bar').style.width = `${bar.pixels}px`;
  at('scale-text').textContent = bar.text;
  at('scale').setAttribute('aria-label', `Scale: the bar is ${bar.text}`);
  at('magnification').textContent = magnification(pixel, mpp());
}

function showPointer(position) {
  if (!slideItem()) return;
  const { x, y } = slideItem().viewerElementToImageCoordinates(position);
  const { width, height, mppX, mppY } = state.slide;
  if (x < 0 || y < 0 || x >= width || y >= height) {
    at('position').textContent = ' ';
    at('under-pointer').replaceChildren();
    return;
  }
  const pixels = `${Math.floor(x)}, ${Math.floor(y)} px`;
  at('position').textContent = mpp() === null ? pixels
    : `${pixels} · ${(x * mppX).toFixed(1)}, ${(y * mppY).toFixed(1)} µm`;
  const found = outlines.at(x, y);
  at('under-pointer').replaceChildren(...(found
    ? [chip(found.colour), found.text] : []));
}

// ---- a slide ----

function tileSource(pyramid, address) {
  const maxLevel = pyramid.levels - 1;
  return {
    width: pyramid.width, height: pyramid.height, tileSize: pyramid.tileSide, minLevel: 0, maxLevel,
    getTileUrl: (level, column, row) => address(`${maxLevel - level}_${column}_${row}`),
  };
}

/** What a map adds to the viewer: an image a class, or one of shades. */
function addMap(layer, index, base) {
  const { map } = layer;
  const [x, y, width] = map.region.map((v) => v / state.slide.width);
  const parts = map.mask ? layer.classes : [{ label: 0, shown: true }];
  for (const part of parts) {
    viewer.addTiledImage({
      tileSource: tileSource(map, (tile) => `${base}/maps/${index}/${part.label}/${tile}.png`),
      x, y, width, opacity: opacityOf(layer, part),
      success: ({ item }) => {
        part.item = item;
        layerChanged(layer);
      },
    });
  }
  layer.parts = parts;
}

const opacityOf = (layer, part) => (layer.shown && part.shown ? layer.opacity : 0);

function layerChanged(layer) {
  if (layer.kind === 'annotations') {
    if (layer.shown && layer.unread) readLarge(layer);
    else outlines.changed();
    return;
  }
  for (const part of layer.parts ?? []) part.item?.setOpacity(opacityOf(layer, part));
}

/** "slide_1_0_0_512x512_probability_tumour.ome.tif" of slide_1.tif: "probability tumour". */
function titleOf(file, slide) {
  const stem = slide.replace(/\.[^.]*$/, '');
  const rest = (file.startsWith(stem) ? file.slice(stem.length) : file).replace(/^_\d+_\d+_\d+x\d+/, '');
  return rest.replace(/(\.ome)?\.[^.]*$/, '').replaceAll('_', ' ').trim() || (/json|xml|ndpa/.test(file) ? 'annotations' : file);
}

function regionNote([x, y, width, height], slide) {
  return width === slide.width && height === slide.height ? ''
    : `of ${width} × ${height} px at ${x}, ${y}`;
}

/** As swath predict writes them: the mask shows the same. */
function outlineAMask(layer, slide) {
  const mask = slide.maps.find((map) => map.mask && map.name.startsWith(layer.name.replace(/\.[^.]*$/, '_mask')));
  return mask && layer.classes && layer.classes.every((of) => mask.classes.some((other) => other.name === of.name));
}

function layersOf(slide, base) {
  const maps = slide.maps.map((map) => ({
    kind: 'map', file: map.name, title: titleOf(map.name, slide.name), map, note: regionNote(map.region, slide),
    // What a mask shows would only be covered by its probabilities.
    shown: map.mask || !slide.maps.some((other) => other.mask),
    classes: map.mask ? map.classes.map((of) => ({ ...of })) : [], colour: map.mask ? '' : map.classes[0]?.colour,
  }));
  const annotations = slide.annotations.map((layer, index) => {
    const outlines = outlineAMask(layer, slide);
    const made = { kind: 'annotations', file: layer.name, title: outlines ? 'outlines' : titleOf(layer.name, slide.name),
      url: `${base}/annotations/${index}`, classes: [], shown: !layer.large && !outlines, unread: layer.large,
      note: 'large: read when it is switched on' };
    if (!layer.large) describe(made, layer);
    return made;
  });
  return [...maps, ...annotations];
}

function describe(layer, { classes, withoutArea }) {
  layer.classes = classes.map((of) => ({ name: of.name, colour: of.colour, count: of.areas }));
  layer.note = withoutArea > 0 ? `${withoutArea.toLocaleString('en')} without an area: not shown` : '';
}

async function readLarge(layer) {
  layer.unread = false;
  layer.noteLine.textContent = 'being read …';
  try {
    describe(layer, await get(`${layer.url}.json`));
    panel.showClasses(layer);
    outlines.changed();
  } catch (error) {
    layer.noteLine.textContent = 'cannot be read';
    notice(error.message);
  }
}

function showFacts(slide) {
  at('title').textContent = slide.name;
  document.title = `${slide.name} – Swath`;
  const size = `${slide.width} × ${slide.height} px`;
  at('facts').textContent = mpp() === null ? size
    : `${size}, ${length(slide.width * slide.mppX)} × ${length(slide.height * slide.mppY)}`;
  at('pixel-size').textContent = mpp() === null ? 'pixel size not in the file' : `${+mpp().toPrecision(4)} µm a pixel`;
}

async function openSlide(index, place) {
  if (index < 0 || index >= state.names.length || index === state.index) return;
  const turn = ++state.loading;
  state.index = index;
  for (const button of at('slide-list').querySelectorAll('button')) {
    const current = +button.dataset.index === index;
    button.setAttribute('aria-current', current);
    if (current) button.scrollIntoView({ block: 'nearest' });
  }
  at('notices').replaceChildren();
  const base = `slides/${index}`;
  let slide;
  try {
    slide = await get(`${base}.json`);
  } catch (error) {
    viewer.close();
    outlines.show([]);
    panel.show([]);
    at('title').textContent = state.names[index];
    at('facts').textContent = 'cannot be shown';
    notice(error.message);
    return;
  }
  if (turn !== state.loading) return;  // another one has been chosen meanwhile
  state.slide = slide;
  showFacts(slide);
  slide.problems.forEach((problem) => notice(`not shown: ${problem}`));
  viewer.addOnceHandler('open', () => {
    if (place) goTo(place, true);
    const layers = layersOf(slide, base);
    panel.show(layers);
    layers.filter((layer) => layer.kind === 'map').forEach((layer, i) => addMap(layer, i, base));
    outlines.show(layers.filter((layer) => layer.kind === 'annotations'));
    showScale();
    writeFragment();
  });
  viewer.open(tileSource(slide, (tile) => `${base}/tiles/${tile}.jpg`));
}

// ---- events ----

viewer.addHandler('update-viewport', () => {
  outlines.moved();
  showScale();
});
viewer.addHandler('animation-finish', writeFragment);
viewer.addHandler('open-failed', ({ message }) => notice(message));
viewer.addHandler('tile-load-failed', async ({ tile }) => {
  const reply = await fetch(tile.getUrl()).catch(() => null);
  notice(reply === null ? 'swath view does not answer: has it been ended?'
    : reply.ok ? 'a tile came too late' : (await reply.text()).trim());
});
viewer.addHandler('canvas-key', (event) => { event.preventDefaultAction = true; });
new OpenSeadragon.MouseTracker({ element: viewer.container, moveHandler: ({ position }) => showPointer(position) });

function togglePanel(id) {
  const shown = at(id).hidden;
  at(id).hidden = !shown;
  at(`toggle-${id}`).setAttribute('aria-expanded', shown);
}

function zoom(factor) {
  viewer.viewport.zoomBy(factor);
  viewer.viewport.applyConstraints();
}

function pan(x, y, far) {
  const bounds = viewer.viewport.getBounds();
  const step = far ? 0.9 : kStep;
  viewer.viewport.panBy(new OpenSeadragon.Point(x * step * bounds.width, y * step * bounds.height));
  viewer.viewport.applyConstraints();
}

const fullScreen = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());

const keys = {
  ArrowLeft: (far) => pan(-1, 0, far), ArrowRight: (far) => pan(1, 0, far),
  ArrowUp: (far) => pan(0, -1, far), ArrowDown: (far) => pan(0, 1, far),
  '+': () => zoom(2), '=': () => zoom(2), '-': () => zoom(0.5), '−': () => zoom(0.5),
  0: () => viewer.viewport.goHome(),
  n: () => openSlide(state.index + 1), p: () => openSlide(state.index - 1),
  o: () => panel.toggleKind('map'), a: () => panel.toggleKind('annotations'),
  s: () => togglePanel('slides'), l: () => togglePanel('layers'),
  f: fullScreen, '?': () => at('help').showModal(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || at('help').open) return;
  // A slider has its own use of arrows.
  if (event.target.type === 'range' && event.key.startsWith('Arrow')) return;
  const act = keys[event.key] ?? (event.key >= '1' && event.key <= '9' ? () => panel.toggleClass(+event.key) : null);
  if (!act) return;
  event.preventDefault();
  act(event.shiftKey);
});

at('home').addEventListener('click', keys[0]);
at('zoom-in').addEventListener('click', keys['+']);
at('zoom-out').addEventListener('click', keys['-']);
at('full-screen').addEventListener('click', fullScreen);
at('show-help').addEventListener('click', keys['?']);
at('toggle-slides').addEventListener('click', keys.s);
at('toggle-layers').addEventListener('click', keys.l);
window.addEventListener('hashchange', () => {
  const place = readFragment();
  if (place.slide !== null && place.slide !== state.index) openSlide(place.slide, place.pixel > 0 ? place : null);
  else if (place.pixel > 0) goTo(place, false);
});

async function start() {
  state.names = (await get('slides.json')).slides;
  at('slide-list').replaceChildren(...state.names.map((name, index) => {
    const button = element('button', { type: 'button', dataset: { index } },
      element('img', { src: `slides/${index}/thumbnail.jpg`, alt: '', loading: 'lazy' }), name);
    button.addEventListener('click', () => openSlide(index));
    return element('li', {}, button);
  }));
  const narrow = window.innerWidth <= kNarrow;
  if (narrow || state.names.length === 1) togglePanel('slides');
  if (narrow) togglePanel('layers');
  const place = readFragment();
  const index = place.slide !== null && place.slide < state.names.length ? place.slide : 0;
  await openSlide(index, place.pixel > 0 ? place : null);
}

window.swath = { viewer, state, panel, view };  // for those who look behind the page
start().catch((error) => notice(error.message));
