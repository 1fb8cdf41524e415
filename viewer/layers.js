// The panel of layers: what lies over the slide, how strongly, and which classes of it.

/** An element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { dataset, style, ...others } = properties;
  Object.assign(made, others);
  Object.assign(made.dataset, dataset);
  Object.assign(made.style, style);
  made.append(...children);
  return made;
}

export function chip(colour) {
  return element('span', { className: 'chip', style: { background: colour } });
}

export class LayersPanel {
  /** `changed(layer)` is called when something of a layer is switched. */
  constructor(panel, changed) {
    this.panel = panel;
    this.changed = changed;
    this.layers = [];
  }

  /** layers: [{title, file, kind: 'map' or 'annotations', note, colour, classes: [{name, colour, count}]}]; they gain
   *  shown and opacity. */
  show(layers) {
    this.layers = layers;
    this.key = 0;
    const sections = layers.map((layer, index) => {
      Object.assign(layer, { shown: layer.shown ?? true, opacity: layer.opacity ?? (layer.kind === 'map' ? 0.5 : 1) });
      const section = this.section(layer, index);
      layer.list = element('ul');
      layer.noteLine = element('div', { className: 'count' });
      section.append(layer.list, layer.noteLine);
      this.showClasses(layer);
      return section;
    });
    if (sections.length === 0) {
      sections.push(element('p', { className: 'hint',
        textContent: 'Nothing lies over this slide. swath view --overlay shows masks, maps and annotations.' }));
    }
    this.panel.replaceChildren(...sections);
  }

  /** Classes and the note, which may have become known later than the layer. */
  showClasses(layer) {
    layer.list.replaceChildren(...layer.classes.map((of) => {
      of.shown = true;
      of.key = ++this.key;
      return this.row(layer, of);
    }));
    layer.noteLine.textContent = layer.note;
  }

  section(layer, index) {
    layer.box = this.box(layer, layer, layer.title);
    const slider = element('input', { type: 'range', min: 0, max: 100, value: layer.opacity * 100, id: `opacity-${index}`,
      ariaLabel: `Opacity of ${layer.title}` });
    const figure = element('span', { className: 'count', textContent: `${slider.value} %` });
    slider.addEventListener('input', () => {
      layer.opacity = slider.value / 100;
      figure.textContent = `${slider.value} %`;
      this.changed(layer);
    });
    const heading = element('label', { title: layer.file }, layer.box);
    if (layer.colour) heading.append(chip(layer.colour));
    heading.append(element('span', { className: 'what', textContent: layer.title }));
    layer.section = element('section', { className: 'layer', dataset: { kind: layer.kind } }, element('h2', {}, heading),
      element('label', { className: 'opacity' }, 'Opacity', slider, figure));
    this.update(layer);
    return layer.section;
  }

  row(layer, of) {
    of.box = this.box(layer, of, of.name);
    const row = element('label', {}, of.box, chip(of.colour),
      element('span', { className: 'what', textContent: of.name || 'without a class' }));
    if (of.count !== undefined) row.append(element('span', { className: 'count', textContent: of.count.toLocaleString('en') }));
    if (of.key <= 9) row.append(element('span', { className: 'key', textContent: of.key, ariaHidden: true }));
    return element('li', {}, row);
  }

  box(layer, of, name) {
    const box = element('input', { type: 'checkbox', checked: of.shown, ariaLabel: name });
    box.addEventListener('change', () => this.set(layer, of, box.checked));
    return box;
  }

  set(layer, of, shown) {
    of.shown = shown;
    of.box.checked = shown;
    this.update(layer);
    this.changed(layer);
  }

  update(layer) {
    layer.section?.classList.toggle('off', !layer.shown);
  }

  /** All of a kind off, or all on where none is. */
  toggleKind(kind) {
    const of = this.layers.filter((layer) => layer.kind === kind);
    const shown = !of.some((layer) => layer.shown);
    for (const layer of of) this.set(layer, layer, shown);
  }

  toggleClass(key) {
    for (const layer of this.layers) {
      for (const of of layer.classes) {
        if (of.key === key) this.set(layer, of, !of.shown);
      }
    }
  }
}
