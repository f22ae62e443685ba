// Unpacks the older experiments and starts all parts. A served page reloads when the campaign has changed.
async function unpackSheets() {
  const packed = byId("packed").textContent;
  if (!packed) { return; }
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  byId("sheets").insertAdjacentHTML("beforeend", await new Response(stream).text());
  if (location.hash && !document.querySelector(":target")) { location.replace(location.hash); }
}

function drawAll() {
  drawCourse();
  plotLosses(byId("panel"));
  if (sheetNow()) { plotLosses(sheetNow()); }
}

function follow(at) {
  setInterval(async () => {
    try {
      const answer = await fetch("/at");
      if (answer.ok && Number(await answer.text()) > at && byId("filter").value === "") { location.reload(); }
    } catch { /* the server has stopped: the page stays readable */ }
  }, 3000);
}

async function start(at) {
  document.documentElement.classList.add("js");
  for (const controls of document.querySelectorAll(".controls")) { controls.hidden = false; }
  await unpackSheets();
  fillChoices();
  sortOnClick();
  openFromTree();
  nameCells();
  listenToKeys();
  copyOnClick();
  spyOnSections();
  tipFor(".node", (node) => node.hash.slice(1));
  tipFor(".parallel [data-e]", (line) => line.dataset.e);
  document.addEventListener("click", (event) => {
    const line = event.target.closest?.(".parallel [data-e]");
    if (line) { location.hash = line.dataset.e; }
  });
  for (const choice of document.querySelectorAll("[name=axis]")) { choice.addEventListener("change", drawCourse); }
  addEventListener("hashchange", openedSheet);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
  document.documentElement.dataset.ready = "yes";
  if (at !== null) { follow(at); }
}
