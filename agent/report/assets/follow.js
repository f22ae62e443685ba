// A served page takes the new content in its place when the campaign has changed, and keeps what the reader has set.
function settings() {
  const controls = [...document.querySelectorAll("#filters input, #filters select")].map((each) => each.value);
  const sorted = document.querySelector("#all thead [aria-sort]");
  return {
    controls, column: sorted?.cellIndex, up: sorted?.getAttribute("aria-sort") === "ascending",
    axis: document.querySelector("[name=axis]:checked").value, row: document.querySelector("#all tr.current a")?.hash,
    unfolded: [...document.querySelectorAll("#overview > section > details")].map((each) => each.open),
    boughs: byId("boughs").scrollLeft, left: scrollX, top: scrollY,
    rows: document.querySelector(".tall").scrollTop, focused: document.activeElement.id,
  };
}

function restore(kept) {
  const controls = document.querySelectorAll("#filters input, #filters select");
  controls.forEach((each, place) => { each.value = kept.controls[place]; });
  document.querySelector(`[name=axis][value=${kept.axis}]`).checked = true;
  if (kept.column !== undefined) { sortBy(document.querySelectorAll("#all thead th")[kept.column], kept.up); }
  filterRows();
  document.querySelector(`#all a[href="${kept.row}"]`)?.closest("tr").classList.add("current");
  document.querySelectorAll("#overview > section > details").forEach((each, place) => { each.open = kept.unfolded[place] ?? each.open; });
  opened = opened.filter((name) => byId(name));
  showInPanel();
  drawAll();
  byId("boughs").scrollLeft = kept.boughs;
  document.querySelector(".tall").scrollTop = kept.rows;
  if (kept.focused) { byId(kept.focused)?.focus({preventScroll: true}); }
  scrollTo(kept.left, kept.top);
}

async function renew(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html"), kept = settings();
  document.title = fresh.title;
  for (const name of ["overview", "sheets", "points", "cells", "networks", "packed"]) {
    const old = byId(name), now = fresh.getElementById(name);
    if (old && now) { old.replaceWith(document.adoptNode(now)); } else if (now) { document.body.append(document.adoptNode(now)); }
  }
  await prepare();
  restore(kept);
  if (location.hash && !document.querySelector(":target")) { location.replace(location.hash); }
}

function follow(at) {
  const look = async () => {
    try {
      const answer = await fetch("at");
      const now = answer.ok ? Number(await answer.text()) : 0;
      if (now > at) {
        at = now;
        await renew(await (await fetch("./")).text());
      }
    } catch { /* the server has stopped: the page stays readable */ }
    setTimeout(look, 3000);
  };
  setTimeout(look, 3000);
}
