// The one tooltip of the page, and the words that it shows for an experiment.
"use strict";
const byId = (id) => document.getElementById(id);
const tip = byId("tip");

function showTip(words, x, y) {
  tip.textContent = words;
  tip.hidden = !words;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 10) : y + 18}px`;
}
function hideTip() { tip.hidden = true; }

function wordsOf(name) {  // the score, the verdict and its reason, and the title, from the experiment's own page
  const sheet = byId(name);
  if (!sheet) { return name; }
  const words = (selector) => sheet.querySelector(selector)?.textContent.trim() ?? "";
  return [words(".name"), words(".lead"), words(".reason")].filter(Boolean).join("\n");
}

function defineScores() {  // a heading that is the name of a score tells its definition
  const meanings = JSON.parse(byId("meanings").textContent);
  for (const heading of document.querySelectorAll("th[scope=col], .scores th[scope=row]")) {
    const meaning = meanings[heading.textContent.trim()];
    if (meaning) { heading.title = meaning; }
  }
}

function tipFor(selector, nameOf) {
  const over = (event) => {
    const element = event.target.closest?.(selector);
    if (!element) { return; }
    const box = element.getBoundingClientRect();
    const at = event.type === "focusin" ? [box.left, box.bottom] : [event.clientX, event.clientY];
    showTip(wordsOf(nameOf(element)), ...at);
  };
  document.addEventListener("pointerover", over);
  document.addEventListener("focusin", over);
  for (const leaving of ["pointerout", "focusout"]) {
    document.addEventListener(leaving, (event) => { if (event.target.closest?.(selector)) { hideTip(); } });
  }
}
