// Unpacks the older experiments and starts all parts.
async function unpack(name) {  // the text of a script element, gzip in base64
  const packed = byId(name).textContent;
  if (!packed) { return ""; }
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function unpackSheets() {
  byId("sheets").insertAdjacentHTML("beforeend", await unpack("packed"));
  if (location.hash && !document.querySelector(":target")) { location.replace(location.hash); }
}

function drawAll() {
  drawCourse();
  drawIn(byId("panel"));
  if (sheetNow()) { drawIn(sheetNow()); }
}

function drawIn(sheet) {
  plotLosses(sheet);
  drawNetworks(sheet);
}

async function prepare() {  // what is on the page: again after each change of a served page
  for (const controls of document.querySelectorAll(".controls")) { controls.hidden = false; }
  await unpackSheets();
  fillChoices();
  sortOnClick();
  await readCells();
  makeCopiable();
  defineScores();
  tellSince();
  for (const choice of document.querySelectorAll("[name=axis]")) { choice.addEventListener("change", drawCourse); }
}

async function start(at) {
  document.documentElement.classList.add("js");
  await prepare();
  openFromTree();
  listenToKeys();
  copyOnClick();
  spyOnSections();
  tipFor(".node", (node) => node.hash.slice(1));
  tipFor(".parallel [data-e]", (line) => line.dataset.e);
  document.addEventListener("click", (event) => {
    const line = event.target.closest?.(".parallel [data-e]");
    if (line) { location.hash = line.dataset.e; }
  });
  addEventListener("hashchange", openedSheet);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
  document.documentElement.dataset.ready = "yes";
  if (at !== null) { follow(at); }
}
