// Runs the map's script on the points of a file, with the little of a browser that it needs.
"use strict";

const fs = require("node:fs");
const vm = require("node:vm");

const [script, points] = process.argv.slice(2);
const buffer = fs.readFileSync(points);
let painted = null;

const element = () => ({
  style: {},
  children: [],
  append() {},
  addEventListener() {},
  replaceChildren(...children) { this.children = children; },
});
const context = {
  createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
  putImageData: (image) => { painted = image; },
};
const canvas = { ...element(), clientWidth: 800, clientHeight: 600, getContext: () => context };
const parts = { canvas, select: { ...element(), value: "cluster" }, "[data-tip]": element(), "[data-legend]": element(), "[data-chosen]": element() };
const root = { dataset: { points: "points" }, querySelector: (name) => parts[name] };
const browser = {
  TextDecoder, console, setTimeout,
  document: { querySelectorAll: () => [], createElement: element },
  window: { devicePixelRatio: 1 },
  fetch: async () => ({ ok: true, arrayBuffer: async () => buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length) }),
  ResizeObserver: class { observe() {} },
  requestAnimationFrame: (paint) => { paint(); return 0; },
};
vm.createContext(browser);
vm.runInContext(`${fs.readFileSync(script, "utf8")}\nthis.CatalogMap = CatalogMap;`, browser);

(async () => {
  const map = new browser.CatalogMap(root);
  await map.start();
  const found = [];
  const { size, x, y } = map.transform();
  for (let i = 0; i < Math.min(map.points, 1000); i++) {
    const { places } = map.columns;
    found.push(map.nearest(places[2 * i] * size + x, places[2 * i + 1] * size + y));
  }
  const legends = {};
  for (const by of ["cluster", "category", "price", "sales", "warm"]) {
    map.choice.value = by;
    map.colour();
    legends[by] = map.legend.children.length;
  }
  const began = process.cpuUsage().user;
  for (let frame = 0; frame < 30; frame++) map.paint();
  const milliseconds = (process.cpuUsage().user - began) / 30 / 1000;
  const drawn = new Uint32Array(painted.data.buffer).filter((pixel) => pixel).length;
  console.log(JSON.stringify({ found, legends, drawn, milliseconds }));
})();
