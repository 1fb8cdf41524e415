// The page of `swath view` in a browser: node page.mjs SWATH VIEWER WORK WRITE_SCN. Ends with 77 where there is
// no browser.
import { spawn, spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [swath, viewerFolder, work, writeScn] = process.argv.slice(2);

function skip(why) {
  console.log(`skipped: ${why}; scripts/setup installs it`);
  process.exit(77);
}

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) skip('chromium is not there');
let chromium;
try {
  ({ chromium } = createRequire(path.join(viewerFolder, 'package.json'))('playwright-core'));
} catch {
  skip('playwright-core is not there');
}

// ---- two slides, a mask, annotations ----

const folder = path.join(work, 'page');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const run = (program, ...words) => {
  const { status, stdout, stderr } = spawnSync(program, words);
  assert.equal(status, 0, stderr.toString());
  return stdout.toString();
};
run(swath, 'synth', folder, '--slides', '2', '--size', '3000x2000', '--seed', '3');
const square = (x, y, side) => [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]];
writeFileSync(path.join(folder, 'slide_000.geojson'), JSON.stringify({
  type: 'FeatureCollection',
  features: [['tumour', 1000], ['stroma', 2000]].map(([name, x]) => ({
    type: 'Feature',
    properties: { name: `a ${name}`, classification: { name } },
    geometry: { type: 'Polygon', coordinates: square(x, 700, 600) },
  })),
}));

/** Starts `swath view` of a folder and gives its address. */
const serve = (slides) => new Promise((resolve, reject) => {
  const server = spawn(swath, ['view', slides, '--overlay', slides], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => server.kill());
  let text = '';
  server.stdout.on('data', (bytes) => {
    text += bytes;
    if (text.includes('\n')) resolve(text.split('\n')[0]);
  });
  server.on('exit', () => reject(new Error('swath view has ended')));
});
const url = await serve(folder);

// ---- refusals, as a stranger would try ----

const status = async (address) => (await fetch(address)).status;
assert.equal(await status(url), 200);
assert.equal(await status(new URL('/', url)), 403);
assert.equal(await status(new URL('/slides.json', url)), 403);
assert.equal(await status(`${url}..%2f..%2fetc%2fpasswd`), 404);

// ---- the page ----

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1300, height: 800 } });
const complaints = [];
page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
page.on('pageerror', (error) => complaints.push(error.message));

const text = (selector) => page.textContent(selector);
const view = () => page.evaluate(() => window.swath.view());
/** Until a value that is worked out in the page is true. */
const until = (f, argument) => page.waitForFunction(f, argument, { timeout: 20000 });
const settled = () => until(() => {
  const { world } = window.swath.viewer;
  return world.getItemCount() > 0 && [...Array(world.getItemCount()).keys()].every((i) => world.getItemAt(i).getFullyLoaded());
});
const opacities = () => page.evaluate(() => {
  const { world } = window.swath.viewer;
  return [...Array(world.getItemCount()).keys()].map((i) => world.getItemAt(i).getOpacity());
});

await page.goto(url);
await settled();
assert.equal(await text('#title'), 'slide_000.tif');
assert.match(await text('#facts'), /3000 × 2000 px, 1\.5 mm × 1 mm/);
assert.equal(await page.locator('#slide-list li').count(), 2);
assert.match(await text('#scale-text'), /^\d+ (µm|mm)$/);
await until(() => document.querySelectorAll('#layers section').length === 2);

// Zoom: a step is a factor of two, and the scale bar and the magnification follow.
const first = await view();
const bar = () => page.evaluate(() => document.getElementById('scale-bar').offsetWidth * window.swath.view().pixel * 0.5);
await page.keyboard.press('+');
await page.waitForTimeout(900);
await settled();
const closer = await view();
assert.ok(Math.abs(first.pixel / closer.pixel - 2) < 0.02, `${first.pixel} to ${closer.pixel}`);
const length = await text('#scale-text');
assert.ok(Math.abs((await bar()) / parseFloat(length) - 1) < 0.03, `the bar is ${await bar()} µm, it says ${length}`);
assert.equal(await text('#magnification'), `${+(10 / (closer.pixel * 0.5)).toPrecision(2)}×`);
await page.keyboard.press('ArrowRight');
await page.waitForTimeout(900);
assert.ok((await view()).x > closer.x);

// Masks: all, then a class.
assert.deepEqual(await opacities(), [1, 0.5]);
await page.keyboard.press('o');
assert.deepEqual(await opacities(), [1, 0]);
await page.keyboard.press('o');
await page.keyboard.press('1');
assert.deepEqual(await opacities(), [1, 0]);
await page.keyboard.press('1');
await page.locator('#layers input[type=range]').first().fill('100');
assert.deepEqual(await opacities(), [1, 1]);
await page.keyboard.press('0');
await page.waitForTimeout(900);
await settled();
/** Keeps the places where the colour of a mask's first class is shown, and counts them. */
const findGreen = () => page.evaluate(() => {
  const canvas = window.swath.viewer.drawer.canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  window.green = [];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] === 0 && data[i + 1] === 158 && data[i + 2] === 115) window.green.push(i);
  }
  return window.green.length;
});
const green = await findGreen();
assert.ok(green > 5000, `${green} pixels of the mask's colour`);
await page.locator('#layers input[type=range]').first().fill('0');

// Annotations: what is under the pointer, also where a class is off.
const pointAt = async (x, y) => {
  const { x: left, y: top, pixel } = await view();
  const stage = await page.locator('#stage').boundingBox();
  await page.mouse.move(stage.x + (x - left) / pixel, stage.y + (y - top) / pixel);
  await page.waitForTimeout(50);
  return text('#under-pointer');
};
await until(() => window.swath.panel.layers[1]?.seen?.areas.length === 2);
assert.equal(await pointAt(1300, 1000), 'tumour: a tumour');
assert.match(await text('#position'), /^1(29|30)\d, (99|100)\d px · 6[45]\d\.\d, (49|50)\d\.\d µm$/);
assert.equal(await pointAt(2300, 1000), 'stroma: a stroma');
assert.equal(await pointAt(500, 1000), '');
await page.keyboard.press('2');
assert.equal(await pointAt(1310, 1000), '');
await page.keyboard.press('2');

// The place is in the address, and comes back with it.
await page.keyboard.press('+');
await page.waitForTimeout(1300);
const there = await view();
await page.reload();
await settled();
const back = await view();
assert.ok(Math.abs(back.x - there.x) < 2 * there.pixel && Math.abs(back.pixel / there.pixel - 1) < 0.01);

// The next slide, and the list of keys.
await page.keyboard.press('n');
await until(() => document.getElementById('title').textContent === 'slide_001.tif');
await settled();
await page.keyboard.press('?');
assert.ok(await page.locator('#help').isVisible());
await page.keyboard.press('Escape');

// A narrow window: panels are out of the way, and nothing is wider than it.
await page.setViewportSize({ width: 400, height: 700 });
await page.reload();
await settled();
assert.ok(!(await page.locator('#layers').isVisible()));
assert.ok(await page.evaluate(() => document.querySelector('header').scrollWidth <= 400));

// ---- a slide whose scan lies away from its corner; annotations count from the scan's ----

const bounded = path.join(work, 'bounds');
const [scan, mask] = ['slide_000.tif', 'slide_000_mask.tif'].map((name) => path.join(folder, name));
const [slide, drawn] = ['slide.scn', 'slide.geojson'].map((name) => path.join(bounded, name));
rmSync(bounded, { recursive: true, force: true });
mkdirSync(bounded);
run(writeScn, scan, slide, '4500', '3400', '1000', '900');
if (JSON.parse(run(swath, 'info', '--json', slide)).format === 'leica') {
  run(swath, 'annotate', 'convert', mask, '--slide', scan, '--classes', 'background,tissue', '-o', drawn);
  run(swath, 'annotate', 'convert', drawn, '--slide', slide, '-o', path.join(bounded, 'slide_mask.tif'));
  await page.setViewportSize({ width: 1300, height: 800 });
  await page.goto(await serve(bounded));
  await settled();
  await until(() => window.swath.panel.layers[1]?.seen?.areas.length > 0);
  await page.screenshot({ path: path.join(work, 'bounds.png') });

  await page.locator('#layers input[type=range]').first().fill('100');
  await page.waitForTimeout(300);
  const pixels = await findGreen();
  await page.locator('#layers input[type=range]').first().fill('0');
  await page.waitForTimeout(300);
  // Stained: less green than red and blue. Glass is grey, and where nothing was scanned it is white.
  const stained = await page.evaluate(() => {
    const canvas = window.swath.viewer.drawer.canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return window.green.filter((i) => data[i + 1] + 15 < (data[i] + data[i + 2]) / 2).length;
  });
  assert.ok(pixels > 5000 && stained / pixels > 0.9, `of ${pixels} pixels of the mask ${stained} lie on tissue`);
} else {
  console.log('left out: this OpenSlide does not take the slide with bounds');
}

assert.deepEqual(complaints, []);
await browser.close();
console.log('the page does what it should');
process.exit(0);
