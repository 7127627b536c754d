// The map of a catalog: points on a canvas, drawn as pixels, so that 100,000 of them stay fluid.
"use strict";

const BUCKETS = 256; // of each side, to find the point under the pointer
const REACH = 10; // pixels from the pointer
const STEPS = 65535;
const CORNERS = 150; // of a line around points
const GREY = [150, 150, 150];

class CatalogMap {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.tip = root.querySelector("[data-tip]");
    this.legend = root.querySelector("[data-legend]");
    this.choice = root.querySelector("select");
    this.chosen = root.querySelector("[data-chosen]");
    this.view = { scale: 1, x: 0, y: 0 };
    this.told = new Map();
    this.wanted = -1;
  }

  async start() {
    const answer = await fetch(this.root.dataset.points);
    if (!answer.ok) throw new Error(`The map answers ${answer.status}.`);
    this.read(await answer.arrayBuffer());
    this.index();
    this.listen();
    this.colour();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    this.resize();
  }

  read(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let offset = 4 + length;
    const types = { "<f4": Float32Array, "<u2": Uint16Array };
    this.columns = {};
    for (const column of header.columns) {
      const type = types[column.type];
      this.columns[column.name] = new type(buffer, offset, column.length);
      offset += column.length * type.BYTES_PER_ELEMENT;
    }
    this.points = header.points;
    this.names = { cluster: header.clusters, category: header.categories, warm: ["cold", "warm"] };
    this.colours = new Uint32Array(this.points);
  }

  // Points by bucket, each bucket's one after the other.
  index() {
    const { places } = this.columns;
    const bucketOf = new Uint32Array(this.points);
    this.first = new Uint32Array(BUCKETS * BUCKETS + 1);
    for (let i = 0; i < this.points; i++) {
      bucketOf[i] = (places[2 * i + 1] >> 8) * BUCKETS + (places[2 * i] >> 8);
      this.first[bucketOf[i] + 1]++;
    }
    for (let b = 0; b < BUCKETS * BUCKETS; b++) this.first[b + 1] += this.first[b];
    const next = this.first.slice();
    this.ordered = new Uint32Array(this.points);
    for (let i = 0; i < this.points; i++) this.ordered[next[bucketOf[i]]++] = i;
  }

  colour() {
    const by = this.choice.value;
    const values = this.columns[by];
    const shades = this.names[by] ? this.byName(values, this.names[by]) : this.byRank(values);
    for (let i = 0; i < this.points; i++) this.colours[i] = shades(i);
    this.draw();
  }

  byName(values, names) {
    const palette = names.map((name, n) => (name === "others" ? GREY : hue(n, names.length)));
    this.tell(names.map((name, n) => [name || `cluster ${n}`, palette[n]]));
    const packed = palette.map(pack);
    return (i) => packed[values[i]];
  }

  // By rank, for prices and sales are skewed: half of the colours are for half of the products.
  byRank(values) {
    const known = values.filter((value) => value > 0).sort();
    const share = (value) => lowerBound(known, value) / Math.max(1, known.length - 1);
    const at = (part) => known[Math.round(part * (known.length - 1))];
    this.tell([
      ["none", GREY],
      ...(known.length ? [0, 0.5, 1].map((part) => [format(at(part)), ramp(part)]) : []),
    ]);
    return (i) => pack(values[i] > 0 ? ramp(share(values[i])) : GREY);
  }

  tell(entries) {
    this.legend.replaceChildren(
      ...entries.slice(0, 40).map(([name, [r, g, b]]) => {
        const entry = document.createElement("span");
        const mark = document.createElement("span");
        mark.textContent = "●";
        mark.style.color = `rgb(${r} ${g} ${b})`;
        entry.append(mark, ` ${name}`);
        return entry;
      }),
    );
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.draw();
  }

  // From places to pixels: pixel = place * size + offset.
  transform() {
    const { width, height } = this.canvas;
    const size = Math.min(width, height) * 0.96 * this.view.scale;
    return {
      size: size / STEPS,
      x: width / 2 + this.view.x - size / 2,
      y: height / 2 + this.view.y - size / 2,
    };
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    const { width, height } = this.canvas;
    if (!width || !height || !this.points) return;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const { size, x, y } = this.transform();
    const { places } = this.columns;
    const few = this.points < 5000 ? 2 : 0;
    const side = Math.min(14, Math.round(2 + few + Math.log2(this.view.scale) * 1.5));
    const half = side >> 1;
    const { points, colours } = this;
    const [right, bottom] = [width - side, height - side];
    for (let i = 0; i < points; i++) {
      const left = (places[2 * i] * size + x - half) | 0;
      const top = (places[2 * i + 1] * size + y - half) | 0;
      if (left < 0 || top < 0 || left > right || top > bottom) continue;
      const colour = colours[i];
      // A call of fill() for two pixels takes longer than they do.
      for (let row = 0, at = top * width + left; row < side; row++, at += width) {
        for (let column = 0; column < side; column++) pixels[at + column] = colour;
      }
    }
    this.context.putImageData(image, 0, 0);
    if (this.line) this.outline({ size, x, y });
  }

  // The line that is drawn around points, in pixels.
  outline({ size, x, y }) {
    this.context.beginPath();
    for (const [mapX, mapY] of this.line) this.context.lineTo(mapX * size + x, mapY * size + y);
    this.context.closePath();
    this.context.strokeStyle = "#888";
    this.context.lineWidth = 2;
    this.context.stroke();
  }

  listen() {
    this.choice.addEventListener("change", () => this.colour());
    this.canvas.addEventListener("wheel", (event) => this.zoom(event), { passive: false });
    this.canvas.addEventListener("dblclick", () => this.reset());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.moved = 0;
      if (event.shiftKey) this.line = [this.place(event)];
      else this.dragged = this.pixel(event);
    });
    this.canvas.addEventListener("pointerup", (event) => this.release(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerleave", () => this.hide());
  }

  pixel(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  place(event) {
    const { size, x, y } = this.transform();
    const [px, py] = this.pixel(event);
    return [Math.round((px - x) / size), Math.round((py - y) / size)];
  }

  zoom(event) {
    event.preventDefault();
    const factor = Math.exp(-event.deltaY * 0.0015);
    const scale = Math.min(200, Math.max(0.5, this.view.scale * factor));
    const change = scale / this.view.scale;
    const [px, py] = this.pixel(event);
    const [cx, cy] = [px - this.canvas.width / 2, py - this.canvas.height / 2];
    this.view = {
      scale,
      x: cx - (cx - this.view.x) * change,
      y: cy - (cy - this.view.y) * change,
    };
    this.draw();
  }

  reset() {
    this.view = { scale: 1, x: 0, y: 0 };
    this.draw();
  }

  move(event) {
    const [px, py] = this.pixel(event);
    if (this.line && event.buttons) {
      this.line.push(this.place(event));
      this.draw();
      return;
    }
    if (this.dragged) {
      this.view.x += px - this.dragged[0];
      this.view.y += py - this.dragged[1];
      this.moved += Math.abs(px - this.dragged[0]) + Math.abs(py - this.dragged[1]);
      this.dragged = [px, py];
      this.hide();
      this.draw();
      return;
    }
    this.show(this.nearest(px, py), event);
  }

  async release(event) {
    this.dragged = null;
    if (this.line) return this.enclose();
    if (this.moved > 4) return;
    const point = this.nearest(...this.pixel(event));
    const told = point < 0 ? null : await this.ask(point);
    if (told && told.address) window.open(told.address, "_blank", "noopener");
  }

  // As many corners of the line as an address takes, and what they enclose.
  async enclose() {
    const every = Math.ceil(this.line.length / CORNERS);
    const corners = this.line.filter((_, n) => n % every === 0);
    this.line = null;
    this.draw();
    if (corners.length < 3) return;
    const answer = await fetch(`${this.root.dataset.enclosed}?line=${corners.flat().join(",")}`);
    if (!answer.ok) return;
    const { products, filter } = await answer.json();
    const known = filter.id.in.length;
    const more = known < products ? `, of which the filter has ${known}` : "";
    this.chosen.querySelector("p").textContent = `${products} products${more}. The filter:`;
    this.chosen.querySelector("textarea").value = JSON.stringify(filter);
    this.chosen.hidden = false;
  }

  nearest(px, py) {
    const { size, x, y } = this.transform();
    const { places } = this.columns;
    const [mapX, mapY, reach] = [(px - x) / size, (py - y) / size, REACH / size];
    const bucket = (place) => Math.min(BUCKETS - 1, Math.max(0, Math.floor(place / BUCKETS)));
    let [best, least] = [-1, reach * reach];
    for (let row = bucket(mapY - reach); row <= bucket(mapY + reach); row++) {
      const from = this.first[row * BUCKETS + bucket(mapX - reach)];
      const until = this.first[row * BUCKETS + bucket(mapX + reach) + 1];
      for (let n = from; n < until; n++) {
        const i = this.ordered[n];
        const distance = (places[2 * i] - mapX) ** 2 + (places[2 * i + 1] - mapY) ** 2;
        if (distance < least) [best, least] = [i, distance];
      }
    }
    return best;
  }

  async show(point, event) {
    if (point < 0) return this.hide();
    const box = this.root.getBoundingClientRect();
    this.tip.style.left = `${event.clientX - box.left + 14}px`;
    this.tip.style.top = `${event.clientY - box.top + 14}px`;
    if (point === this.wanted) return;
    this.wanted = point;
    // Who only passes over a point does not ask for it.
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (point !== this.wanted) return;
    const told = await this.ask(point);
    if (point !== this.wanted || !told) return;
    const cluster = this.names.cluster[this.columns.cluster[point]];
    const lines = [told.title, told.id, told.category, told.price, cluster];
    this.tip.replaceChildren(
      ...lines.filter(Boolean).map((line) => {
        const part = document.createElement("div");
        part.textContent = line;
        return part;
      }),
    );
    this.tip.hidden = false;
  }

  async ask(point) {
    if (!this.told.has(point)) {
      const answer = await fetch(`${this.root.dataset.point}?point=${point}`);
      this.told.set(point, answer.ok ? await answer.json() : null);
    }
    return this.told.get(point);
  }

  hide() {
    this.wanted = -1;
    this.tip.hidden = true;
  }
}

function hue(number, count) {
  // By the golden angle neighbours in the list are far apart, and no two are alike.
  const angle = count > 12 ? (number * 137.508) % 360 : (number * 360) / Math.max(count, 1);
  return fromHsl(angle, 0.62, [0.48, 0.62, 0.38][Math.floor(number / 12) % 3]);
}

function fromHsl(angle, saturation, light) {
  const part = (n) => {
    const k = (n + angle / 30) % 12;
    const spread = saturation * Math.min(light, 1 - light);
    return Math.round(255 * (light - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

function ramp(share) {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const place = Math.min(0.9999, Math.max(0, share)) * (stops.length - 1);
  const [low, part] = [Math.floor(place), place % 1];
  return stops[low].map((value, n) => Math.round(value + (stops[low + 1][n] - value) * part));
}

function pack([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function lowerBound(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function format(value) {
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 4 });
}

for (const root of document.querySelectorAll("[data-map]")) {
  const map = new CatalogMap(root);
  map.start().catch((error) => {
    map.tip.textContent = error.message;
    map.tip.hidden = false;
  });
}
