"use strict";
// What is folded on a screen is printed in full.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) { each.open = true; each.dataset.folded = ""; }
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-folded]")) { each.open = false; delete each.dataset.folded; }
});
