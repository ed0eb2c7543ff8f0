"use strict";
const data = JSON.parse(document.getElementById("data").textContent) || {};

// A button and the outline of the sound instead of the browser's player, one sound at a time.
let playing = null;
for (const holder of document.querySelectorAll(".sound")) {
  const player = holder.querySelector("audio"), button = document.createElement("button"), head = document.createElement("i");
  const show = () => {
    button.textContent = player.paused ? "Play" : "Stop";
    head.style.left = 100 * (player.duration ? player.currentTime / player.duration : 0) + "%";
    holder.classList.toggle("on", !player.paused);
  };
  button.type = "button";
  button.setAttribute("aria-label", "Play " + player.getAttribute("aria-label"));
  button.addEventListener("click", () => {
    if (!player.paused) { player.pause(); return; }
    if (playing && playing !== player) playing.pause();
    playing = player;
    player.currentTime = 0;
    player.play().catch(show);  // stopped before it began, or a sound that the browser cannot decode
  });
  for (const event of ["play", "pause", "timeupdate", "ended"]) player.addEventListener(event, show);
  player.controls = false;
  player.hidden = true;
  holder.querySelector("svg").after(head);
  holder.append(button);
  show();
}

// Shapes, drawn once they come into sight.
const clouds = [...document.querySelectorAll(".cloud")];
if (clouds.length) {
  const paint = painter(), drawn = new Map();
  const seen = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || drawn.has(target)) continue;
      drawn.set(target, showCloud(target, paint));
      drawn.get(target)();
    }
  }, { rootMargin: "400px" });
  clouds.forEach(each => seen.observe(each));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw => draw()));
}

(data.maps || []).forEach((each, number) => drawMap(document.querySelectorAll(".map")[number], each));

// What is folded on a screen is printed in full.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) { each.open = true; each.dataset.folded = ""; }
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-folded]")) { each.open = false; delete each.dataset.folded; }
});
