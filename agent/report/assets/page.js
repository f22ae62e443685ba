"use strict";
const filter = document.getElementById("filter");
const rows = [...document.querySelectorAll("#all tbody tr")];
filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("found").textContent = wanted ? `${shown} of ${rows.length}` : "";
});
for (const code of document.querySelectorAll(".copy")) {
  code.title = "click to copy";
  code.addEventListener("click", () => navigator.clipboard && navigator.clipboard.writeText(code.textContent));
}
window.addEventListener("hashchange", () => {
  const sheet = document.querySelector(".sheet:target");
  if (sheet) { window.scrollTo(0, 0); sheet.focus({preventScroll: true}); }
});
function follow(at) {  // a served page reloads when the campaign has changed, unless a filter is set
  setInterval(async () => {
    try {
      const answer = await fetch("/at");
      if (answer.ok && Number(await answer.text()) > at && filter.value === "") { location.reload(); }
    } catch { /* the server has stopped: the page stays readable */ }
  }, 3000);
}
