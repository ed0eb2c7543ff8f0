"use strict";
// Draw a map of points into an element that holds .stage, with canvas and .tip, and .legend.
function drawMap(root, data) {
const stage = root.querySelector(".stage"), canvas = stage.querySelector("canvas"), tip = stage.querySelector(".tip");
const listed = root.querySelector(".legend");
const pen = canvas.getContext("2d"), grid = 10000, margin = 16;
const shown = data.legend.map(() => true);
let chosen = -1, side = 1, left = 0, top_ = 0;

const visible = i => shown[data.labels[i]];
const x = i => left + data.places[i][0] / grid * side;
const y = i => top_ + data.places[i][1] / grid * side;
const named = label => label === null ? "no label" : label;

function draw() {
  const box = stage.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  side = Math.max(1, Math.min(box.width, box.height) - 2 * margin);
  left = (box.width - side) / 2;
  top_ = (box.height - side) / 2;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const radius = data.places.length > 3000 ? 2 : data.places.length > 500 ? 3 : 4;
  pen.globalAlpha = 0.8;
  for (let i = 0; i < data.places.length; i++) {
    if (!visible(i)) continue;
    pen.fillStyle = data.legend[data.labels[i]].colour;
    pen.beginPath();
    pen.arc(x(i), y(i), radius, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
  if (chosen >= 0 && visible(chosen)) {
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--text");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x(chosen), y(chosen), radius + 3, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function choose(i) {
  chosen = i;
  draw();
  tip.style.visibility = i < 0 ? "hidden" : "visible";
  if (i < 0) return;
  const label = document.createElement("b");
  label.textContent = named(data.legend[data.labels[i]].label);
  tip.replaceChildren(label, data.names[i]);
  const right = stage.clientWidth - tip.offsetWidth - 4, below = stage.clientHeight - tip.offsetHeight - 4;
  tip.style.left = Math.max(4, Math.min(x(i) + 12, right)) + "px";
  tip.style.top = Math.max(4, Math.min(y(i) + 12, below)) + "px";
}

function nearest(px, py, reach, allowed) {
  let best = -1, least = reach;
  for (let i = 0; i < data.places.length; i++) {
    if (!visible(i) || !allowed(i)) continue;
    const distance = Math.hypot(x(i) - px, y(i) - py);
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}

canvas.addEventListener("pointermove", event => {
  const box = canvas.getBoundingClientRect();
  const found = nearest(event.clientX - box.left, event.clientY - box.top, 14, () => true);
  if (found !== chosen) choose(found);
});
canvas.addEventListener("pointerleave", () => choose(-1));
canvas.addEventListener("keydown", event => {
  const towards = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === "Escape") return choose(-1);
  if (!towards) return;
  event.preventDefault();
  if (chosen < 0 || !visible(chosen)) return choose(nearest(stage.clientWidth / 2, stage.clientHeight / 2, Infinity, () => true));
  const cx = x(chosen), cy = y(chosen);
  const found = nearest(cx, cy, Infinity, i => {
    const along = (x(i) - cx) * towards[0] + (y(i) - cy) * towards[1];
    return i !== chosen && along > 0 && along >= 0.7 * Math.hypot(x(i) - cx, y(i) - cy);
  });
  if (found >= 0) choose(found);
});

const counts = data.legend.map(() => 0);
for (const label of data.labels) counts[label]++;
data.legend.forEach((entry, number) => {
  const button = document.createElement("button"), dot = document.createElement("i"), count = document.createElement("small");
  dot.style.background = entry.colour;
  count.textContent = counts[number].toLocaleString("en");
  button.append(dot, named(entry.label), count);
  button.type = "button";
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", () => {
    shown[number] = !shown[number];
    button.setAttribute("aria-pressed", String(shown[number]));
    if (chosen >= 0 && !visible(chosen)) choose(-1); else draw();
  });
  const item = document.createElement("li");
  item.append(button);
  listed.append(item);
});

new ResizeObserver(draw).observe(stage);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
}
