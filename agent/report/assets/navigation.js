// Where the reader is: the marked link of the navigation, the opened experiment, the keys, the copied commands.
const sheetNow = () => document.querySelector("#sheets .sheet:target");

function spyOnSections() {
  const links = [...document.querySelectorAll("nav:not(.campaigns) a")];
  const mark = () => {
    const headings = links.map((link) => byId(link.hash.slice(1)));
    let current = sheetNow() ? links.findIndex((link) => link.hash === "#experiments") : 0;
    headings.forEach((heading, place) => {
      if (place && heading.getClientRects().length && heading.getBoundingClientRect().top < 140) { current = place; }
    });
    if (!sheetNow() && innerHeight + scrollY >= document.documentElement.scrollHeight - 4 && scrollY > 0) { current = links.length - 1; }
    if (links[current].hasAttribute("aria-current")) { return; }
    links.forEach((link, place) => link.toggleAttribute("aria-current", place === current));
    links[current].setAttribute("aria-current", "true");
    const bar = links[current].parentElement;
    bar.scrollLeft = links[current].offsetLeft - bar.offsetLeft - bar.clientWidth / 3;
  };
  document.addEventListener("scroll", mark, {passive: true});
  addEventListener("hashchange", mark);
  mark();
}

function openedSheet() {
  hideTip();
  const sheet = sheetNow();
  if (sheet) {
    scrollTo(0, 0);
    sheet.focus({preventScroll: true});
    drawIn(sheet);
  }
}

function makeCopiable() {
  for (const code of document.querySelectorAll(".copy")) {
    code.title = "click to copy";
    code.tabIndex = 0;
    code.role = "button";
  }
}

function copyOnClick() {
  const copy = (event) => {
    const code = event.target.closest?.(".copy");
    if (!code || (event.type === "keydown" && event.key !== "Enter")) { return; }
    navigator.clipboard?.writeText(code.textContent);
    getSelection().selectAllChildren(code);  // where the clipboard is closed to a file, Ctrl-C does it
    if (navigator.clipboard) {
      code.classList.add("copied");
      setTimeout(() => code.classList.remove("copied"), 1500);
    }
  };
  document.addEventListener("click", copy);
  document.addEventListener("keydown", copy);
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) { return; }
    if (event.key === "/") {
      event.preventDefault();
      if (sheetNow()) { location.hash = "experiments"; }
      byId("filter").focus();
    } else if (event.key === "j" || event.key === "k") {
      const step = sheetNow()?.querySelector(event.key === "j" ? "[rel=next]" : "[rel=prev]");
      if (step) { location.hash = step.hash; } else if (!sheetNow()) { moveRow(event.key === "j" ? 1 : -1); }
    } else if (event.key === "Enter" && event.target === document.body) {
      const link = document.querySelector("#all tr.current a");
      if (link) { location.hash = link.hash; }
    }
  });
}
